"""The client delivers at least once, never repeats what was refused, and says what became of every event."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from truenorth.client import Client, ClientLimits, NewEvent, Refusal
from truenorth.client.wire import asked_wait_s
from truenorth.errors import RefusedError, TransientError
from truenorth.events.inputs import AccountReactivated, TicketOpened, UsageRecorded

from tests.shared.loopback_edge import LoopbackEdge, Say, loopback_edge

QUICK = ClientLimits(
    flush_seconds=0.02,
    retry_wait_seconds_min=0.01,
    retry_wait_seconds_max=0.05,
    retry_seconds_max=20.0,
    block_seconds_max=0.05,
    close_seconds_max=10.0,
)
EXPORT = UsageRecorded(feature="export", actor="u-7")
URGENT = TicketOpened(ticket_id="1", priority="urgent")  # type: ignore[arg-type]  # what a type checker would catch
REFUSED = {"index": 1, "id": "b", "code": "data_invalid", "field": "data.count", "message": "write 1 or more"}
BUSY = {"code": "broker_unavailable", "message": "the broker did not acknowledge"}
FORKING = """
import os, sys
from truenorth.client import Client, ClientLimits
from truenorth.events.inputs import UsageRecorded
client = Client(sys.argv[1], "k", limits=ClientLimits(flush_seconds=60.0))
client.send(UsageRecorded(feature="export"), account="acct-1", id="the parent's")
child = os.fork()
if child == 0:
    client.send(UsageRecorded(feature="export"), account="acct-1", id="the child's")
    client.close()
    os._exit(0 if client.accepted == 1 else 1)
ended = os.waitpid(child, 0)[1]
client.send(UsageRecorded(feature="export"), account="acct-1", id="the parent's last")
sys.exit(ended)
"""


class Told:
    """What the client's callbacks were told."""

    def __init__(self) -> None:
        self.refused: list[tuple[NewEvent, Refusal]] = []
        self.lost: list[tuple[str, str]] = []

    def client(self, edge: LoopbackEdge, limits: ClientLimits = QUICK, **more: Any) -> Client:
        return Client(
            edge.url,
            "k-1",
            limits=limits,
            on_refused=lambda event, why: self.refused.append((event, why)),
            on_lost=lambda event, why: self.lost.append((event.id, why)),
            **more,
        )


@pytest.fixture
def told() -> Told:
    return Told()


def test_an_event_is_posted_as_a_cloudevent_with_the_key(told: Told) -> None:
    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    with loopback_edge() as edge:
        with told.client(edge, source="app") as client:
            assert client.send(EXPORT, account="acct-1", time=at, id="a", backfill=True) == "a"
        assert edge.requests == [
            [
                {
                    "specversion": "1.0",
                    "id": "a",
                    "source": "app",
                    "type": "usage.recorded",
                    "subject": "acct-1",
                    "time": "2026-11-22T09:05:00.000Z",
                    "data": {"feature": "export", "actor": "u-7"},
                    "backfill": True,
                }
            ]
        ]
    (headers,) = edge.headers
    assert headers["path"] == "/v1/events"
    assert headers["authorization"] == "Bearer k-1"
    assert headers["content-type"] == "application/cloudevents-batch+json"
    assert (client.accepted, client.refused, client.lost, client.waiting) == (1, 0, 0, 0)


def test_events_go_in_batches_in_order_over_one_connection(told: Told) -> None:
    limits = replace(QUICK, batch_events_max=50, flush_seconds=5.0)
    with loopback_edge() as edge:
        with told.client(edge, limits) as client:
            ids = [client.send(EXPORT, account="acct-1") for _ in range(170)]
        assert [event_id for request in edge.ids() for event_id in request] == ids
        assert [len(request) for request in edge.requests] == [50, 50, 50, 20]
        assert len(set(ids)) == 170
        assert len(edge.connections) == 1
    assert "content-encoding" in edge.headers[0]


def test_no_batch_outgrows_its_bytes(told: Told) -> None:
    limits = replace(QUICK, batch_bytes_max=2_000, flush_seconds=5.0)
    with loopback_edge() as edge:
        with told.client(edge, limits) as client:
            for _ in range(60):
                client.send(EXPORT, account="acct-1")
        assert max(edge.bodies_bytes) <= 2_000
        assert sum(len(request) for request in edge.requests) == 60


def test_the_defaults_stay_within_what_the_edge_takes() -> None:
    from truenorth_ingest.domain.limits import Limits

    ours, theirs = ClientLimits(), Limits()
    assert ours.batch_bytes_max < theirs.body_bytes_max
    assert ours.batch_events_max <= theirs.batch_events_max
    assert ours.event_bytes_max == theirs.event_bytes_max


def test_a_busy_edge_is_asked_again_with_the_same_ids_after_the_time_it_asks_for(told: Told) -> None:
    waits: list[float] = []

    def noted(seconds: float) -> bool:
        waits.append(seconds)
        return False

    with loopback_edge(
        Say(503, BUSY, (("Retry-After", "1"),)), Say(429, BUSY), Say(408, BUSY), Say(500, b"<p>")
    ) as edge:
        with told.client(edge) as client:
            client._backlog.pause = noted  # type: ignore[method-assign]
            client.send(EXPORT, account="acct-1", id="a")
        assert edge.ids() == [["a"]] * 5
    assert waits[0] == 1.0
    assert all(wait <= 0.05 for wait in waits[1:])
    assert (client.accepted, client.lost, told.lost) == (1, 0, [])


def test_an_answer_that_is_lost_on_its_way_makes_a_repeat_with_the_same_ids(told: Told) -> None:
    with loopback_edge(Say(reset=True), Say(200, b"<html>a proxy's page</html>")) as edge:
        with told.client(edge) as client:
            ids = [client.send(EXPORT, account="acct-1") for _ in range(3)]
            client.flush()
        assert edge.ids() == [ids] * 3
    assert (client.accepted, client.lost) == (3, 0)


def test_what_is_refused_of_a_batch_is_told_and_not_sent_again(told: Told) -> None:
    with loopback_edge(Say(200, {"success": True, "accepted": 2, "rejected": [REFUSED]})) as edge:
        with told.client(edge, replace(QUICK, flush_seconds=5.0)) as client:
            for event_id in "abc":
                client.send(EXPORT, account="acct-1", id=event_id)
        assert edge.ids() == [["a", "b", "c"]]
    ((event, why),) = told.refused
    assert (event.id, event.account, event.data) == ("b", "acct-1", EXPORT)
    assert (why.code, why.field, why.message) == ("data_invalid", "data.count", "write 1 or more")
    assert (client.accepted, client.refused, client.lost) == (2, 1, 0)


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413])
def test_a_batch_that_is_refused_whole_is_told_event_by_event_and_never_repeated(told: Told, status: int) -> None:
    with loopback_edge(Say(status, {"code": "key_unknown", "message": "no such key"})) as edge:
        with told.client(edge) as client:
            client.send(EXPORT, account="acct-1", id="a")
            client.flush()
            client.send(EXPORT, account="acct-1", id="b")
        assert edge.ids() == [["a"], ["b"]]
    assert [(event.id, why.code) for event, why in told.refused] == [("a", "key_unknown")]
    assert (client.accepted, client.refused) == (1, 1)


def test_what_no_problem_explains_is_refused_by_its_status(told: Told) -> None:
    with loopback_edge(Say(404, b"not found")) as edge, told.client(edge) as client:
        client.send(EXPORT, account="acct-1")
    assert [(why.code, why.message) for _, why in told.refused] == [("status_404", "not found")]


def test_a_full_queue_blocks_for_a_while_and_then_says_so(told: Told) -> None:
    limits = replace(QUICK, queue_events_max=3, batch_events_max=1, flush_seconds=0.0)
    with loopback_edge(Say(hold=True)) as edge:
        with told.client(edge, limits) as client:
            client.send(EXPORT, account="acct-1")
            assert edge.arrived.acquire(timeout=10)
            for _ in range(3):
                client.send(EXPORT, account="acct-1")
            with pytest.raises(TransientError, match=r"queue is full \(3 events"):
                client.send(EXPORT, account="acct-1")
            assert client.waiting == 4
            edge.release.set()
        assert sum(len(request) for request in edge.requests) == 4
    assert client.accepted == 4


def test_the_queue_is_bounded_in_bytes_too(told: Told) -> None:
    limits = replace(QUICK, queue_bytes_max=500, batch_events_max=1, flush_seconds=0.0)
    with loopback_edge(Say(hold=True)) as edge, told.client(edge, limits) as client:
        client.send(EXPORT, account="acct-1")
        assert edge.arrived.acquire(timeout=10)
        with pytest.raises(TransientError, match="queue is full"):
            for _ in range(10):
                client.send(EXPORT, account="acct-1")
        edge.release.set()


def test_room_that_is_made_in_time_lets_a_blocked_sender_go_on(told: Told) -> None:
    limits = replace(QUICK, queue_events_max=1, batch_events_max=1, flush_seconds=0.0, block_seconds_max=20.0)
    with loopback_edge(Say(hold=True)) as edge:
        with told.client(edge, limits) as client:
            client.send(EXPORT, account="acct-1")
            assert edge.arrived.acquire(timeout=10)
            client.send(EXPORT, account="acct-1")
            blocked = threading.Thread(target=lambda: client.send(EXPORT, account="acct-1"))
            blocked.start()
            edge.release.set()
            blocked.join(20)
        assert client.accepted == 3


def test_closing_sends_a_full_queue_first(told: Told) -> None:
    limits = replace(QUICK, queue_events_max=200, batch_events_max=20, flush_seconds=60.0)
    with loopback_edge(Say(503, BUSY), Say(hold=True)) as edge:
        client = told.client(edge, limits)
        ids = [client.send(EXPORT, account="acct-1") for _ in range(200)]
        edge.release.set()
        client.close()
        assert {event_id for request in edge.ids() for event_id in request} == set(ids)
    assert (client.accepted, client.lost, client.waiting) == (200, 0, 0)


def test_closing_beside_an_edge_that_is_away_gives_up_in_time_and_names_every_event(told: Told) -> None:
    limits = replace(QUICK, close_seconds_max=0.2, batch_events_max=2)
    with loopback_edge(*[Say(503, BUSY)] * 500) as edge:
        client = told.client(edge, limits)
        ids = [client.send(EXPORT, account="acct-1") for _ in range(5)]
        with pytest.raises(TransientError, match="5 events were given up"):
            client.close()
        client.close()
    assert [event_id for event_id, _ in told.lost] == ids
    assert (client.accepted, client.lost, client.waiting) == (0, 5, 0)


def test_an_outage_that_is_longer_than_the_limit_is_told(told: Told) -> None:
    limits = replace(QUICK, retry_seconds_max=0.1)
    with loopback_edge(*[Say(503, BUSY)] * 500) as edge, told.client(edge, limits) as client:
        client.send(EXPORT, account="acct-1", id="a")
    ((event_id, reason),) = told.lost
    assert event_id == "a"
    assert "broker_unavailable" in reason


def test_an_edge_that_is_not_there_is_waited_for(told: Told) -> None:
    with loopback_edge() as edge:
        gone = edge.url
    client = Client(
        gone, "k", limits=replace(QUICK, close_seconds_max=0.1), on_lost=lambda e, w: told.lost.append((e.id, w))
    )
    client.send(EXPORT, account="acct-1", id="a")
    with pytest.raises(TransientError):
        client.flush(seconds_max=0.05)
    with pytest.raises(TransientError):
        client.close()
    assert [event_id for event_id, _ in told.lost] == ["a"]


def test_a_closed_client_takes_no_more(told: Told) -> None:
    with loopback_edge() as edge:
        client = told.client(edge)
        client.close()
        with pytest.raises(RefusedError) as refused:
            client.send(EXPORT, account="acct-1")
        assert refused.value.code == "client_closed"
        assert edge.requests == []


def test_a_callback_that_fails_does_not_stop_the_sending(caplog: pytest.LogCaptureFixture) -> None:
    def fails(_: NewEvent, __: Refusal) -> None:
        raise ValueError("mine")

    with loopback_edge(Say(400, {"code": "body_invalid", "message": "no"})) as edge, caplog.at_level(logging.ERROR):
        with Client(edge.url, "k", limits=QUICK, on_refused=fails) as client:
            client.send(EXPORT, account="acct-1", id="a")
            client.flush()
            client.send(EXPORT, account="acct-1", id="b")
        assert client.accepted == 1
    assert "event a" in caplog.text


def test_without_callbacks_refusals_and_losses_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    away = [Say(503, BUSY)] * 500
    with loopback_edge(Say(200, {"accepted": 0, "rejected": [REFUSED | {"index": 0}]}), *away) as edge:
        client = Client(edge.url, "k", limits=replace(QUICK, close_seconds_max=0.1))
        client.send(EXPORT, account="acct-1", id="b")
        client.flush()
        client.send(EXPORT, account="acct-1", id="c")
        client._at_exit()
    said = [record.message for record in caplog.records]
    assert "event b was refused at data.count: write 1 or more (data_invalid)" in said
    assert any(line.startswith("event c was given up") for line in said)
    assert "1 events were given up: the edge did not acknowledge them in time" in said


@pytest.mark.parametrize(
    ("send", "code", "field"),
    [
        (lambda c: c.send(UsageRecorded(feature=""), account="a"), "data_invalid", "data.feature"),
        (
            lambda c: c.send(URGENT, account="a"),
            "data_invalid",
            "data.priority",
        ),
        (lambda c: c.send(EXPORT, account=""), "subject_missing", "subject"),
        (lambda c: c.send(EXPORT, account="a", time=datetime(2026, 1, 1)), "time_unreadable", "time"),  # noqa: DTZ001
        (lambda c: c.send({"feature": "export"}, account="a"), "type_unknown", ""),
        (lambda c: c.send_now(UsageRecorded(feature=""), account="a"), "data_invalid", "data.feature"),
    ],
)
def test_what_cannot_be_right_is_refused_where_it_is_said(send: Callable[[Any], object], code: str, field: str) -> None:
    with loopback_edge() as edge, Client(edge.url, "k", limits=QUICK) as client:
        with pytest.raises(RefusedError) as refused:
            send(client)
        assert (refused.value.code, refused.value.field) == (code, field)
        assert edge.requests == []


def test_an_event_that_is_too_large_is_refused_where_it_is_said() -> None:
    client = Client("http://ingest", "k", limits=replace(QUICK, event_bytes_max=100))
    with pytest.raises(RefusedError) as refused:
        client.send(EXPORT, account="acct-1")
    assert refused.value.code == "event_too_large"


@pytest.mark.parametrize("url", ["", "ingest:8400", "ftp://ingest", "http://"])
def test_an_address_that_is_none_is_refused_at_once(url: str) -> None:
    with pytest.raises(RefusedError) as refused:
        Client(url, "k")
    assert refused.value.code == "url_invalid"


@pytest.mark.parametrize("key", ["", "a\nb", "schlüssel"])
def test_a_key_that_is_none_is_refused_at_once(key: str) -> None:
    with pytest.raises(RefusedError) as refused:
        Client("http://ingest", key)
    assert refused.value.code == "key_malformed"


def test_send_now_returns_the_edges_answer() -> None:
    with loopback_edge(Say(reset=True)) as edge, Client(edge.url, "k", limits=QUICK) as client:
        assert client.send_now(AccountReactivated(), account="acct-1", id="a").accepted == 1
        assert edge.ids() == [["a"], ["a"]]
        assert client.accepted == 1


def test_send_now_raises_what_the_edge_refused_with_code_and_field() -> None:
    answer = {"success": True, "accepted": 0, "rejected": [REFUSED | {"index": 0}]}
    with loopback_edge(Say(200, answer), Say(401, {"code": "key_revoked", "message": "revoked"})) as edge:
        with Client(edge.url, "k", limits=QUICK) as client:
            with pytest.raises(RefusedError, match="1 or more") as refused:
                client.send_now(EXPORT, account="acct-1")
            assert (refused.value.code, refused.value.field) == ("data_invalid", "data.count")
            with pytest.raises(RefusedError) as refused:
                client.send_now(EXPORT, account="acct-1")
            assert refused.value.code == "key_revoked"
        assert len(edge.requests) == 2
        assert client.refused == 2


def test_send_now_does_not_wait_longer_than_it_may() -> None:
    with loopback_edge(Say(503, BUSY, (("Retry-After", "60"),))) as edge, Client(edge.url, "k", limits=QUICK) as client:
        with pytest.raises(TransientError, match="broker_unavailable"):
            client.send_now(EXPORT, account="acct-1", seconds_max=1.0)
        assert len(edge.requests) == 1


def test_a_forked_child_sends_its_own_and_the_end_of_the_process_sends_the_rest() -> None:
    with loopback_edge() as edge:
        ran = subprocess.run(
            [sys.executable, "-c", FORKING, edge.url], check=False, capture_output=True, text=True, timeout=60
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert edge.ids() == [["the child's"], ["the parent's", "the parent's last"]]


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:01 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(said: str, wait_s: float | None) -> None:
    assert asked_wait_s(said, now_ms=10_000) == wait_s
