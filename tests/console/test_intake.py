"""What the intake page says of refusals and of what waits."""

import shlex
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from truenorth.codec import encode_json
from truenorth.errors import RefusedError
from truenorth.events.envelope import Event
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.kafka import Record
from truenorth.quarantine import QuarantinedEvent
from truenorth_console.domain import intake, refusals, waiting
from truenorth_console.domain.refusals import Alike, Refusal
from truenorth_console.domain.waiting import Waiting
from truenorth_console.domain.wording import Now
from truenorth_console.handlers import people_in, refusal_of

NOW = Now(1_795_348_920_000, UTC)  # Sunday 22 November 2026, 12:02 UTC
HOUR_MS = 3_600_000
INGEST = "http://127.0.0.1:8400"


def refusal(**more: Any) -> Refusal:
    usual = {
        "partition": 3,
        "offset": 17,
        "code": "data_invalid",
        "route": "events",
        "field": "data.count",
        "key_id": "k1",
        "key_name": "shop",
        "message": "Expected `int` >= 1",
        "original": '{"data":{"count":0}}',
        "recorded_ms": NOW.ms - HOUR_MS,
        "original_bytes": 20,
        "truncated": False,
        "redacted": False,
    }
    return Refusal(**{**usual, **more})


def waits(*lookups: str, **more: Any) -> Waiting:
    usual = {"reason": "unknown", "events": 14, "oldest_ms": NOW.ms - HOUR_MS, "newest_ms": NOW.ms, "learned": False}
    return Waiting(lookups, **{**usual, **more})


def text_of(line: waiting.WaitingLine) -> str:
    return "".join(text for text, _ in line.says)


def test_a_cause_says_first_what_would_be_right_and_leads_to_its_newest_refusal() -> None:
    line = refusals.refusal_line(Alike(refusal(), 9, {0: 2, 1: 7}), NOW)
    assert (line.message, line.what) == ("Expected `int` >= 1", "data_invalid in data.count")
    assert (line.route, line.sender, line.events, line.last.text) == ("events", "shop", 9, "11:02")
    assert line.href == "/intake/refusals/3:17"


def test_a_refusal_without_field_key_or_message_still_says_something() -> None:
    line = refusals.refusal_line(Alike(refusal(field="", key_id="", key_name="", message=""), 1, {}), NOW)
    assert (line.message, line.what, line.sender) == ("data_invalid", "data_invalid", "none")
    assert line.bars.bars == []


@given(st.dictionaries(st.integers(0, 40), st.integers(0, 10_000)))
def test_bars_stay_inside_their_picture_and_every_hour_with_a_refusal_has_one(hours: dict[int, int]) -> None:
    drawn = refusals.bars(hours)
    shown = {hour: count for hour, count in hours.items() if count and hour < refusals.HOURS_SHOWN}
    assert len(drawn.bars) == len(shown)
    assert len({x for x, _, _ in drawn.bars}) == len(shown)
    for x, y, tall in drawn.bars:
        assert 0 <= x < drawn.width
        assert tall >= 2
        assert y >= 0
        assert y + tall == pytest.approx(drawn.height, abs=0.11)
    assert drawn.label.startswith(f"{sum(shown.values())} in the last 24 hours")


def test_the_page_of_a_refusal_shows_the_original_and_the_command_that_takes_it_after_all() -> None:
    others = [refusal(), refusal(offset=18)]
    page = refusals.refusal_page(refusal(), others, NOW)
    assert page.original == '{\n  "data": {\n    "count": 0\n  }\n}'
    assert page.command == "truenorth quarantine replay 3:17"
    assert [place for place, _ in page.alike] == ["3:18"]
    assert page.facts[0] == ("Code", "data_invalid")
    assert page.notes == []


def test_what_is_no_json_is_shown_as_it_came() -> None:
    assert refusals.pretty('{"id": "e1", "da') == '{"id": "e1", "da'
    assert refusals.pretty("id,arr\nacc-1,x") == "id,arr\nacc-1,x"


def test_what_is_not_whole_has_no_command_and_an_empty_one_says_why() -> None:
    page = refusals.refusal_page(refusal(truncated=True, original_bytes=70_000), [], NOW)
    assert "send it again. It had 70,000 bytes" in page.notes[0]
    assert page.command == ""
    assert "forget somebody" in refusals.refusal_page(refusal(truncated=True, original=""), [], NOW).notes[0]
    assert "pseudonyms" in refusals.refusal_page(refusal(redacted=True), [], NOW).notes[0]


def test_what_waits_says_how_much_and_how_to_say_whose_it_is() -> None:
    line = waiting.waiting_line(waits("stripe:cus_9", "actor:p1"), NOW, ingest=INGEST)
    assert text_of(line) == "stripe:cus_9 · 14 events wait: tell us whose it is"
    assert shlex.split(line.command)[:4] == ["curl", "-X", "PUT", f"{INGEST}/v1/identities/stripe/cus_9"]
    assert line.oldest == "1 h ago"


def test_an_id_with_anything_in_it_is_one_safe_word_of_the_command() -> None:
    words = shlex.split(waiting.identity_command("hub:a b'; rm -rf $HOME/x?y", ingest=INGEST))
    assert words[3] == f"{INGEST}/v1/identities/hub/a%20b%27%3B%20rm%20-rf%20%24HOME%2Fx%3Fy"


def test_a_person_is_a_pseudonym_whose_own_id_only_the_product_knows() -> None:
    line = waiting.waiting_line(waits("actor:p_77", events=1), NOW, ingest=INGEST)
    assert text_of(line) == "a person · 1 event waits: a group call, or you, say whose they are"
    assert line.detail == "pseudonym p_77"
    assert shlex.split(line.command)[3] == f"{INGEST}/v1/identities/actor/PERSON"


@pytest.mark.parametrize(
    ("more", "says", "acts"),
    [
        ({"reason": "ambiguous"}, "belongs to several accounts", True),
        ({"reason": "unavailable"}, "tried again by themselves", False),
        ({"learned": True}, "has found its account: 14 events went on to it", False),
    ],
)
def test_each_reason_says_what_there_is_to_do(more: dict[str, Any], says: str, acts: bool) -> None:
    line = waiting.waiting_line(waits("stripe:cus_9", **more), NOW, ingest=INGEST)
    assert says in text_of(line)
    assert bool(line.command) is acts


def test_the_heading_is_a_sentence_for_much_and_for_nothing() -> None:
    nothing = intake.Totals(0, 0, {}, 0)
    assert intake.heading(nothing, NOW) == "Nothing refused; nothing waits for its account"
    much = intake.Totals(9, 4, {("stripe", "unknown"): 14, ("actor", "ambiguous"): 1}, 3, NOW.ms - HOUR_MS)
    assert intake.heading(much, NOW) == (
        "4 events refused in the last 24 hours; 15 wait for their account, the oldest came 1 h ago"
    )
    assert intake.breakdown(much) == ["stripe unknown · 14", "people in several accounts · 1", "found · 3"]


def test_a_record_of_the_quarantine_becomes_a_refusal_that_a_database_can_hold() -> None:
    said = QuarantinedEvent("json_invalid", "", "no JSON", "events", "k1", "2026-11-22T12:00:00Z", "a\0b", 3)
    found = refusal_of(Record("truenorth.quarantine.v1", 2, 5, None, encode_json(said), NOW.ms))
    assert (found.place, found.original, found.recorded_ms) == ("2:5", "a�b", NOW.ms)


def test_a_quarantine_record_that_is_none_is_refused() -> None:
    with pytest.raises(RefusedError, match="Expected `object`"):
        refusal_of(Record("truenorth.quarantine.v1", 2, 5, None, b"[]", NOW.ms))


def test_events_of_the_account_map_name_their_people_by_pseudonym() -> None:
    held = EventHeld("unknown", ["actor:p_1", "stripe:cus_1"], "usage.recorded", "e", "s", "t", "r", Raw(b"{}"))
    learned = IdentityLearned("actor:p_2")
    events = [Event("1", "ingest", "x", "acc", 0, 0, data) for data in (held, learned, IdentityLearned("stripe:1"))]
    assert [people_in(event) for event in events] == [["p_1"], ["p_2"], []]
