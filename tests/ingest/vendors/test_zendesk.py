"""What Zendesk sends, and what it means."""

from typing import Any

import pytest
from truenorth_ingest.domain.vendors.zendesk import read

from tests.ingest.vendors.recorded import check_private, check_well_formed, recorded, refusal, said

INVOCATION = {"x-zendesk-webhook-invocation-id": "01HNX2Z8ZQ6J4G3W7K6V8M9E5D"}
ORGANIZATION = ("zendesk:8447346622462",)
TICKET = {"ticket_id": "35436"}


@pytest.mark.parametrize(
    ("name", "event_type", "payload"),
    [
        ("ticket_created", "ticket.opened", {"priority": "p2"}),
        ("ticket_priority_changed", "ticket.updated", {"priority": "p1"}),
        ("ticket_comment_added", "ticket.updated", {"first_response_minutes": 45}),
        ("ticket_solved", "ticket.solved", {}),
        ("ticket_reopened", "ticket.reopened", {}),
        ("ticket_deleted", "ticket.solved", {}),
    ],
)
def test_a_ticket(name: str, event_type: str, payload: dict[str, Any]) -> None:
    told = read(recorded("zendesk", name), {})
    check_well_formed(told)
    assert said(told) == [(event_type, {**TICKET, **payload})]
    assert (told[0].account, told[0].lookups) == ("", ORGANIZATION)


@pytest.mark.parametrize(
    "name", ["ticket_pending", "ticket_comment_internal", "ticket_subject_changed", "user_created"]
)
def test_what_is_known_and_means_nothing(name: str) -> None:
    assert read(recorded("zendesk", name), {}) == []


def test_who_answers_and_solves_at_once_has_solved() -> None:
    payload = recorded("zendesk", "ticket_comment_added")
    payload["detail"]["status"] = "SOLVED"
    assert said(read(payload, {})) == [("ticket.solved", {**TICKET, "first_response_minutes": 45})]


def test_a_ticket_that_comes_back_is_open_again_unless_it_was_solved() -> None:
    payload = {**recorded("zendesk", "ticket_deleted"), "type": "zen:event-type:ticket.undeleted"}
    payload["detail"]["status"] = "PENDING"
    assert said(read(payload, {})) == [("ticket.reopened", TICKET)]
    payload["detail"]["status"] = "CLOSED"
    assert read(payload, {}) == []


def test_a_ticket_without_priority_has_the_usual_one() -> None:
    payload = recorded("zendesk", "ticket_created")
    payload["detail"]["priority"] = None
    assert said(read(payload, {})) == [("ticket.opened", TICKET)]
    lost = recorded("zendesk", "ticket_priority_changed")
    lost["event"]["current"] = None
    assert said(read(lost, {})) == [("ticket.updated", {**TICKET, "priority": "p3"})]


def test_an_organization_s_external_id_teaches_whose_it_is() -> None:
    told = read(recorded("zendesk", "organization_created"), {})
    check_well_formed(told)
    assert told[0].account == "acct-1042"
    assert said(told) == [("account.updated", {"name": "Acme Corp", "external_ids": {"zendesk": "8447346622462"}})]
    payload = recorded("zendesk", "organization_created")
    payload["detail"]["external_id"] = None
    assert read(payload, {}) == []
    assert read({**payload, "type": "zen:event-type:organization.deleted"}, {}) == []


@pytest.mark.parametrize(
    ("event", "more", "expected"),
    [
        ("opened", {}, ("ticket.opened", {"priority": "p1"})),
        ("updated", {"priority": "-"}, ("ticket.updated", {})),
        (
            "updated",
            {"first_response_minutes": " 12 "},
            ("ticket.updated", {"priority": "p1", "first_response_minutes": 12}),
        ),
        ("solved", {"first_response_minutes": 3}, ("ticket.solved", {"first_response_minutes": 3})),
        ("reopened", {}, ("ticket.reopened", {})),
        ("rated", {"rating": "Good, I'm satisfied"}, ("ticket.rated", {"score": 5.0})),
        ("rated", {"rating": "Bad"}, ("ticket.rated", {"score": 1.0})),
        ("rated", {"rating": "4"}, ("ticket.rated", {"score": 4.0})),
    ],
)
def test_the_template_of_triggers(event: str, more: dict[str, Any], expected: tuple[str, dict[str, Any]]) -> None:
    payload = {**recorded("zendesk", "trigger_opened"), "event": event, **more}
    told = read(payload, INVOCATION)
    check_well_formed(told)
    assert said(told) == [(expected[0], {**TICKET, **expected[1]})]
    assert (told[0].account, told[0].lookups, told[0].time) == ("acct-1042", ORGANIZATION, "")


def test_a_repeat_of_a_trigger_has_the_same_id_and_news_another() -> None:
    payload = recorded("zendesk", "trigger_opened")
    first, again = read(payload, INVOCATION), read(payload, INVOCATION)
    news = read(payload, {"x-zendesk-webhook-invocation-id": "01HNX2Z8ZQ6J4G3W7K6V8M9E5E"})
    assert first[0].id == again[0].id != news[0].id
    assert refusal(read, payload) == ("webhook_invalid", "id")
    assert read({**payload, "id": "mine"}, {})[0].id == "mine:ticket.opened"


def test_what_cannot_be_read_is_named() -> None:
    solved, opened = recorded("zendesk", "ticket_solved"), recorded("zendesk", "ticket_created")
    assert refusal(read, {**solved, "type": "zen:event-type:ticket.eaten"}) == ("webhook_unknown", "type")
    assert refusal(read, {**solved, "type": "ticket"}) == ("webhook_unknown", "type")
    assert refusal(read, {**solved, "event": {"current": "GONE"}}) == ("webhook_invalid", "event.current")
    assert refusal(read, {**solved, "time": "yesterday"}) == ("webhook_invalid", "time")
    assert refusal(read, {**opened, "detail": {**opened["detail"], "id": None}}) == ("webhook_invalid", "detail.id")
    odd = {**opened, "detail": {**opened["detail"], "priority": "ASAP"}}
    assert refusal(read, odd) == ("webhook_invalid", "detail.priority")
    lonely = recorded("zendesk", "ticket_without_organization")
    assert refusal(read, lonely) == ("webhook_invalid", "detail.organization_id")
    rated = recorded("zendesk", "trigger_rated_without_organization")
    assert refusal(read, rated) == ("webhook_invalid", "organization")
    assert refusal(read, {**rated, "event": "eaten", "account": "a", "id": "x"}) == ("webhook_unknown", "event")
    assert refusal(read, {**rated, "rating": "meh", "account": "a", "id": "x"}) == ("webhook_invalid", "rating")
    late = {**rated, "event": "solved", "first_response_minutes": "soon", "account": "a", "id": "x"}
    assert refusal(read, late) == ("webhook_invalid", "first_response_minutes")


def test_nothing_of_a_person_and_no_text_of_a_ticket_is_told() -> None:
    check_private(read, "zendesk")
