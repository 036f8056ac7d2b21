"""What HubSpot sends, and what it means."""

from typing import Any

import pytest
from truenorth_ingest.domain.vendors.hubspot import read

from tests.ingest.vendors.recorded import check_private, check_well_formed, recorded, refusal, said

COMPANY = ("hubspot:1246965",)
TICKET = ("hubspot_ticket:7001",)


def changed(noun: str, name: str, value: object, object_id: int = 7001) -> dict[str, Any]:
    return {
        "subscriptionType": f"{noun}.propertyChange",
        "propertyName": name,
        "propertyValue": value,
        "objectId": object_id,
        "eventId": 1,
        "occurredAt": 1_764_200_000_000,
    }


def test_a_mixed_webhook() -> None:
    told = read(recorded("hubspot", "mixed"), {})
    check_well_formed(told)
    assert [(one.account, one.lookups, *pair) for one, pair in zip(told, said(told), strict=True)] == [
        ("acct-1042", (), "account.updated", {"external_ids": {"hubspot": "1246965"}}),
        ("", COMPANY, "account.updated", {"name": "Acme Corp"}),
        ("", COMPANY, "account.updated", {"renews_on": "2027-01-01"}),
        ("", TICKET, "ticket.opened", {"ticket_id": "7001"}),
        ("", COMPANY, "account.updated", {"external_ids": {"hubspot_ticket": "7001"}}),
        ("", TICKET, "ticket.updated", {"ticket_id": "7001", "priority": "p2"}),
        ("", TICKET, "ticket.updated", {"ticket_id": "7001", "first_response_minutes": 45}),
        ("", TICKET, "ticket.solved", {"ticket_id": "7001"}),
        ("", TICKET, "ticket.reopened", {"ticket_id": "7001"}),
        ("", COMPANY, "account.updated", {"external_ids": {"hubspot": "1247500"}}),
        ("", TICKET, "ticket.solved", {"ticket_id": "7001"}),
    ]


def test_a_list_means_what_its_notifications_mean_one_by_one() -> None:
    items = recorded("hubspot", "mixed")
    assert [told for item in items for told in read(item, {})] == read(items, {})


def test_events_happened_when_hubspot_says() -> None:
    (told,) = read(changed("company", "name", "Acme", 5), {})
    assert told.time == "2025-11-26T23:33:20.000Z"


def test_a_privacy_deletion_is_a_request_to_forget_and_a_deletion_is_none() -> None:
    (told,) = read(recorded("hubspot", "privacy_deletion"), {})
    assert (told.account, told.lookups, told.actor) == ("", (), "51")
    assert said([told]) == [("erasure.requested", {"kind": "contact", "subject_id": "51", "by": "hubspot"})]


def test_generic_subscriptions_say_the_object_by_its_type_id() -> None:
    told = read(recorded("hubspot", "generic_objects"), {})
    assert said(told) == [("account.updated", {"name": "Acme Corp"}), ("ticket.opened", {"ticket_id": "7002"})]


def test_a_company_s_side_of_an_association_says_the_same() -> None:
    item = {**recorded("hubspot", "mixed")[8], "associationType": "COMPANY_TO_TICKET"}
    item |= {"fromObjectId": 1246965, "toObjectId": 7001, "subscriptionType": "company.associationChange"}
    (told,) = read(item, {})
    assert (told.lookups, said([told])[0][1]) == (COMPANY, {"external_ids": {"hubspot_ticket": "7001"}})
    assert read({**item, "associationRemoved": True}, {}) == []
    assert read({**item, "associationType": "COMPANY_TO_DEAL"}, {}) == []


def test_a_merge_that_keeps_its_id_means_nothing() -> None:
    item = {**recorded("hubspot", "mixed")[15], "newObjectId": 1246965}
    assert read(item, {}) == []


@pytest.mark.parametrize(
    ("value", "day"), [("2027-01-01", "2027-01-01"), ("1798761600000", "2027-01-01"), (1798761600000, "2027-01-01")]
)
def test_a_date_is_read_as_hubspot_writes_it(value: object, day: str) -> None:
    assert said(read(changed("company", "renews_on", value), {})) == [("account.updated", {"renews_on": day})]


@pytest.mark.parametrize(
    "item",
    [
        changed("company", "lifecyclestage", "customer"),
        changed("company", "name", ""),
        changed("company", "account_id", None),
        changed("ticket", "content", "text"),
        changed("ticket", "hs_pipeline_stage", "4"),
        changed("deal", "amount", "1"),
        changed("contact", "email", "jenny.rosen@example.com"),
    ],
)
def test_what_is_known_and_means_nothing(item: dict[str, Any]) -> None:
    assert read(item, {}) == []


@pytest.mark.parametrize(
    ("item", "code", "field"),
    [
        (
            {**changed("company", "name", "x"), "subscriptionType": "company.eaten"},
            "webhook_unknown",
            "subscriptionType",
        ),
        ({**changed("company", "name", "x"), "subscriptionType": "x.creation"}, "webhook_unknown", "subscriptionType"),
        ({**changed("company", "name", "x"), "occurredAt": "now"}, "webhook_invalid", "occurredAt"),
        ({**changed("company", "name", "x"), "objectId": None}, "webhook_invalid", "objectId"),
        (changed("company", "name", "x" * 129), "webhook_invalid", "propertyValue"),
        (changed("company", "account_id", "a\tb"), "webhook_invalid", "propertyValue"),
        (changed("company", "renews_on", "soon"), "webhook_invalid", "propertyValue"),
        (changed("company", "renews_on", "2027-99-99"), "webhook_invalid", "propertyValue"),
        (changed("ticket", "hs_ticket_priority", "ASAP"), "webhook_invalid", "propertyValue"),
        (changed("ticket", "time_to_first_agent_reply", "-1"), "webhook_invalid", "propertyValue"),
    ],
)
def test_what_cannot_be_read_is_named(item: dict[str, Any], code: str, field: str) -> None:
    assert refusal(read, item) == (code, field)
    assert refusal(read, [changed("deal", "a", "b"), item]) == (code, f"[1].{field}")


def test_a_list_has_at_most_a_hundred() -> None:
    assert refusal(read, [changed("deal", "a", "b")] * 101) == ("webhook_invalid", "")


def test_nothing_of_a_person_is_told() -> None:
    check_private(read, "hubspot")
