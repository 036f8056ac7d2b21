"""`truenorth send` says what became of its event, in words and as an exit code."""

import json

import pytest
from truenorth.commands.main import FINDING, NOT_THERE, WRONG_USE, run

from tests.shared.loopback_edge import LoopbackEdge, Say, loopback_edge

DATA = '{"feature": "export"}'


def send(edge: LoopbackEdge, *more: str, event_type: str = "usage.recorded", data: str = DATA) -> int:
    common = ["send", "--url", edge.url, "--key", "k", "--account", "acct-1", "--type", event_type, "--data", data]
    return run([*common, *more])


def test_an_event_that_is_taken_is_said_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    with loopback_edge() as edge:
        assert send(edge, "--id", "e-1") == 0
        ((event,),) = edge.requests
    assert capsys.readouterr().out == "accepted e-1\n"
    assert (event["source"], event["subject"], event["data"]) == ("command line", "acct-1", json.loads(DATA))


def test_an_event_that_is_refused_is_a_finding_with_its_field(capsys: pytest.CaptureFixture[str]) -> None:
    why = {"index": 0, "code": "type_not_accepted", "field": "type", "message": "only truenorth says this"}
    with loopback_edge(Say(200, {"accepted": 0, "rejected": [why]})) as edge, pytest.raises(SystemExit) as ended:
        send(edge, "--id", "e-1")
    assert ended.value.code == FINDING
    assert capsys.readouterr().err == "refused e-1 at type: only truenorth says this (type_not_accepted)\n"


def test_a_key_that_is_not_known_is_something_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with loopback_edge(Say(401, {"code": "key_unknown", "message": "no such key"})) as edge:
        assert send(edge) == NOT_THERE
    assert "no such key" in capsys.readouterr().err


@pytest.mark.parametrize(("event_type", "data"), [("usage.made_up", DATA), ("usage.recorded", '{"feature": 7}')])
def test_what_is_no_event_is_wrong_use_and_not_sent(event_type: str, data: str) -> None:
    with loopback_edge() as edge:
        assert send(edge, event_type=event_type, data=data) == WRONG_USE
        assert edge.requests == []


@pytest.mark.parametrize(
    ("event_type", "cure"), [("usage.record", "did you mean usage.recorded?"), ("moon.rose", "types are: account.")]
)
def test_a_type_that_nobody_knows_is_told_with_those_that_may_be_sent(
    event_type: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with loopback_edge() as edge:
        assert send(edge, event_type=event_type) == WRONG_USE
    told = capsys.readouterr().err
    assert cure in told
    assert "health.updated" not in told


def test_an_address_that_is_none_is_wrong_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert send(LoopbackEdge(url="127.0.0.1:8400")) == WRONG_USE
    assert "write https://host" in capsys.readouterr().err
