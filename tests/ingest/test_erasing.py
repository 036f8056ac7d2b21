"""Requests to forget at the edge: the contact's tombstone goes with them, and no raw id of a person stays behind."""

import json
from typing import Any

import pytest
from truenorth_ingest.domain.pseudonyms import Pseudonyms

from tests.ingest.doubles import PSEUDONYM_SECRET, Edge, usage

PERSON = "ann@example.org"
ALIAS = Pseudonyms(PSEUDONYM_SECRET).of(PERSON)


def request(kind: str, subject_id: str, **changes: Any) -> dict[str, Any]:
    data = {"kind": kind, "subject_id": subject_id, **changes.pop("data", {})}
    return usage(type="erasure.requested", data=data, **changes)


@pytest.fixture
def edge() -> Edge:
    return Edge()


@pytest.mark.parametrize("kind", ["actor", "contact"])
async def test_a_persons_request_takes_the_contacts_tombstone_with_it(edge: Edge, kind: str) -> None:
    answer = await edge.post(request(kind, PERSON))
    assert answer.json() == {"success": True, "accepted": 1, "rejected": []}
    wrote = [(record.topic, record.key, record.value is None) for record in edge.log.records]
    assert wrote == [
        ("truenorth.erasures.v1", b"acct-1", False),
        ("truenorth.contacts.v1", ALIAS.encode(), True),
    ]


async def test_a_tombstone_follows_a_contact_of_the_same_batch(edge: Edge) -> None:
    contact = usage(type="contact.updated", data={"contact_id": PERSON, "account_id": "acct-1", "name": "Ann"})
    await edge.post([request("contact", PERSON), contact], content_type="application/cloudevents-batch+json")
    assert edge.log.values("contacts")[-1] is None


async def test_success_is_not_claimed_before_both_are_acknowledged(edge: Edge) -> None:
    append = edge.log.append

    async def without_contacts(records: Any) -> None:
        edge.log.broken = any(record.topic == "truenorth.contacts.v1" for record in records)
        await append(records)

    edge.log.append = without_contacts  # type: ignore[method-assign]
    assert (await edge.post(request("contact", PERSON))).status_code == 503


async def test_an_accounts_request_brings_no_tombstone_of_its_own(edge: Edge) -> None:
    await edge.post(request("account", "acct-1"))
    assert [record.topic for record in edge.log.records] == ["truenorth.erasures.v1"]


async def test_an_account_is_forgotten_under_its_own_name_alone(edge: Edge) -> None:
    (refused,) = (await edge.post(request("account", "acct-2"))).json()["rejected"]
    assert (refused["code"], refused["field"]) == ("data_invalid", "data.subject_id")


async def test_the_request_itself_does_not_hold_the_person(edge: Edge) -> None:
    await edge.post(request("actor", PERSON, id=f"forget {PERSON}", source=f"desk/{PERSON}", data={"by": PERSON}))
    kept = b"".join((record.key or b"") + (record.value or b"") for record in edge.log.records)
    assert PERSON.encode() not in kept
    (value,) = edge.log.values("erasures")
    assert (value["id"], value["source"], value["data"]["by"]) == (f"forget {ALIAS}", f"desk/{ALIAS}", ALIAS)


@pytest.mark.parametrize(
    "broken",
    [
        request("somebody", PERSON),
        request("actor", PERSON, subject=""),
        usage(type="erasure.request", data={"kind": "actor", "subject_id": PERSON}),
    ],
)
async def test_a_refused_request_leaves_the_person_out_of_quarantine(edge: Edge, broken: dict[str, Any]) -> None:
    answer = (await edge.post(broken)).json()
    assert answer["accepted"] == 0
    (kept,) = edge.log.values("quarantine")
    assert (kept.get("original"), kept["truncated"]) == ("", True)
    assert PERSON not in json.dumps([kept, answer])
