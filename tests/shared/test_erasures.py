"""Requests to forget, as every service and the command line see them."""

import pytest
from truenorth import erasures
from truenorth.codec import encode, parse_event
from truenorth.commands.erasures import as_json, as_line, standings
from truenorth.erasures import GRACE_MS, SERVICES, Kind, began_ms, is_buried
from truenorth.events.people import ErasureRequested
from truenorth.events.work import TaskUpdated
from truenorth.kafka import Record

NOW_MS = 1_790_000_000_000


def request(event_id: str, kind: Kind = "account", *, at_ms: int = NOW_MS, offset: int = 0) -> Record:
    asked = ErasureRequested(kind, "acme" if kind == "account" else "p_1", by="dpo")
    value = encode(asked, event_id=event_id, source="desk", account="acme", time_ms=at_ms)
    return Record("truenorth.erasures.v1", 0, offset, b"acme", value, at_ms)


def word(asked: Record, service: str, *, at_ms: int = NOW_MS + 1000) -> Record:
    event = parse_event(asked.value or b"")
    event_id, payload = erasures.acknowledgement(erasures.request_id(event), event.data.kind, service)
    value = encode(payload, event_id=event_id, source=service, account="acme", time_ms=at_ms)
    return Record("truenorth.erasures-done.v1", 0, 0, b"acme", value, at_ms)


@pytest.mark.parametrize(
    ("erased_ms", "record_ms", "time_ms", "buried"),
    [
        (None, 0, 0, False),
        (NOW_MS, NOW_MS - 1, NOW_MS - 1, True),
        (NOW_MS, NOW_MS + GRACE_MS, NOW_MS + GRACE_MS, True),
        (NOW_MS, NOW_MS + GRACE_MS + 1, NOW_MS, True),
        (NOW_MS, NOW_MS + GRACE_MS + 1, NOW_MS + 1, False),
    ],
)
def test_what_is_older_or_was_on_its_way_is_buried(
    erased_ms: int | None, record_ms: int, time_ms: int, *, buried: bool
) -> None:
    assert is_buried(erased_ms, record_ms=record_ms, time_ms=time_ms) is buried


def test_a_task_told_of_late_began_when_it_was_opened() -> None:
    task = TaskUpdated("t", "acme", 2, "Call", "open", "dana", "p", "P", "r", "s", NOW_MS - 5)
    event = parse_event(encode(task, event_id="e", source="s", account="acme", time_ms=NOW_MS))
    assert began_ms(event) == NOW_MS - 5


def test_a_request_keeps_its_id_when_its_sender_repeats_it_and_no_other_has_it() -> None:
    ids = {erasures.request_id(parse_event(one.value or b"")) for one in (request("a"), request("a", offset=9))}
    assert len(ids) == 1
    assert ids != {erasures.request_id(parse_event(request("b").value or b""))}


def test_a_request_is_listed_once_with_who_has_acknowledged_and_who_is_missing() -> None:
    asked = request("a")
    said = [word(asked, service) for service in ("health", "notify")]
    (one,) = standings([asked, asked._replace(offset=1)], [*said, said[0]])
    assert one.missing == ["ingest", "playbooks", "console"]
    assert (one.repeated, one.waiting_ms(NOW_MS + 90_000)) == (1, 90_000)
    assert as_line(one, NOW_MS + 90_000).endswith(
        "acme  asked by dpo, id a: ingest, playbooks, console missing for 90 s"
    )
    told = as_json(one, NOW_MS + 90_000)
    assert (told["missing"], sorted(told["acknowledged"]), told["waiting_seconds"]) == (
        ["ingest", "playbooks", "console"],
        ["health", "notify"],
        90,
    )


def test_a_request_that_everybody_carried_out_waits_for_nobody() -> None:
    asked = request("a", "contact")
    (one,) = standings([asked, request("b")._replace(value=b"{")], [word(asked, service) for service in SERVICES])
    assert (one.missing, one.waiting_ms(NOW_MS + 90_000)) == ([], 0)
    assert as_line(one, NOW_MS).endswith("contact p_1 of acme  asked by dpo, id a: forgotten everywhere after 1.0 s")
