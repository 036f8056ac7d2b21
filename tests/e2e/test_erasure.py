"""A person, then an account, is forgotten everywhere; what is still there afterwards is what the guide says."""

import asyncio
import json
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from truenorth.erasures import SERVICES as CARRYING_OUT
from truenorth.kafka import Record
from truenorth.kafka.reader import read_topic
from truenorth.postgres.engine import make_engine, transaction
from truenorth.topics import TOPICS, full_name
from truenorth_ingest.domain.pseudonyms import Pseudonyms

from tests.e2e.platform import Platform, event, eventually
from tests.e2e.test_pipe import OWNER, healthy_past, latest, red_row, rescue_alert, trouble

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ACCOUNT = "quillfeather-7c1"
NAME = "Quillfeather Holdings"
CONTACT = "wilhelmina@quillfeather.example"
PERSON = "Wilhelmina Quartz"
ACTOR = "bartholomew@quillfeather.example"
OTHER = "zebediah@quillfeather.example"
TABLES = """
SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""
TABLES_THAT_STAY = {
    "ingest.erasure",
    "playbooks.account",
    "playbooks.erasure",
    "notify.erasure",
    "console.erasure",
}
"""Gravestones: transition numbers under the account's id, and who asked for what, when."""


def rows_holding(platform: Platform, *terms: str) -> set[str]:
    """Return schema.table of every table with a row that holds one of these texts, also inside bytes."""

    async def look() -> set[str]:
        engine = make_engine(platform.stack.database_url, schema="public", pool_connections=1)
        found = set()
        try:
            async with transaction(engine) as connection:
                names = await connection.execute(text(TABLES))
                for name in list(names.scalars()):
                    rows = await connection.execute(text(f"SELECT whole::text FROM {name} AS whole"))  # noqa: S608
                    whole = "\n".join(rows.scalars())
                    if any(term in whole or term.encode().hex() in whole for term in terms):
                        found.add(name)
        finally:
            await engine.dispose()
        return found

    return asyncio.run(look())


def records(platform: Platform, topic: str) -> list[Record]:
    async def read() -> list[Record]:
        return [record async for record in read_topic(platform.stack.bootstrap, full_name(topic))]

    return asyncio.run(read())


def compacted_holding(platform: Platform, *terms: str) -> set[str]:
    """Return key and topic of all that compaction keeps (the last record of each key) with one of these texts."""
    found = set()
    for topic in TOPICS:
        if topic.cleanup != "compact":
            continue
        last = {(record.partition, record.key): record.value for record in records(platform, topic.name)}
        for (_, key), value in last.items():
            if value is not None and any(term.encode() in (key or b"") + value for term in terms):
                found.add(topic.name)
    return found


def ever_written_holding(platform: Platform, *terms: str) -> set[str]:
    """Return the topics that ever held one of these texts."""
    return {
        topic.name
        for topic in TOPICS
        for record in records(platform, topic.name)
        if any(term.encode() in (record.key or b"") + (record.value or b"") for term in terms)
    }


def logs_holding(platform: Platform, *terms: str) -> set[str]:
    files = platform.stack.places.logs.rglob("*.log")
    return {file.name for file in files if any(term in file.read_text("utf-8", "replace") for term in terms)}


def request(kind: str, subject_id: str, event_id: str) -> dict[str, Any]:
    return event("erasure.requested", ACCOUNT, event_id, {"kind": kind, "subject_id": subject_id, "by": "dpo"})


def standing(platform: Platform, event_id: str) -> Any:
    """Return how a request stands, once everybody has carried it out."""
    told = json.loads(platform.run("erasures", "--json"))["requests"]
    one = next((each for each in told if each["id"] == event_id), None)
    return one if one is not None and not one["missing"] else None


def note(platform: Platform, said: str) -> None:
    with httpx.Client(base_url=platform.console_url, follow_redirects=True) as person:
        person.get("/who")
        token = person.cookies["truenorth_csrf"]
        person.post("/who", data={"person": OWNER, "csrf": token}).raise_for_status()
        form = {"do": "note", "text": said, "csrf": token}
        person.post(f"/accounts/{ACCOUNT}/act", data=form).raise_for_status()


def founded(platform: Platform) -> None:
    """An account with facts, people, a contact, a task, an alert with its deliveries, and a note."""
    platform.post(healthy_past(ACCOUNT, NAME))
    contact = {"contact_id": CONTACT, "account_id": ACCOUNT, "name": PERSON, "email": CONTACT, "role": "champion"}
    other = {"contact_id": OTHER, "account_id": ACCOUNT, "name": "Zebediah Onyx", "email": OTHER}
    people = [
        event("contact.updated", ACCOUNT, "q-contact", contact),
        event("contact.updated", ACCOUNT, "q-other", other),
        event("contact.left", ACCOUNT, "q-left", {"contact": CONTACT}),
        event("usage.recorded", ACCOUNT, "q-usage", {"feature": "export", "actor": ACTOR}),
        event("survey.answered", ACCOUNT, "q-survey", {"kind": "nps", "score": 9, "respondent": ACTOR}),
    ]
    assert platform.post(people)["rejected"] == []
    eventually(lambda: latest(platform, ACCOUNT) and latest(platform, ACCOUNT).band == "green", what="green")
    platform.post(trouble(ACCOUNT))
    alert = eventually(lambda: rescue_alert(platform, ACCOUNT), what="the alert")
    eventually(lambda: red_row(platform, ACCOUNT), what="the console's row")
    inbox = f"{platform.console_url}/api/inbox"
    eventually(lambda: alert.alert_id in httpx.get(inbox, params={"person": OWNER}).text, what="the inbox")
    note(platform, f"{NAME} is worth a call")
    eventually(lambda: "console.contact" in rows_holding(platform, PERSON), what="the contact")


def test_people_and_then_the_account_are_forgotten_everywhere(platform: Platform) -> None:
    founded(platform)
    people = Pseudonyms(platform.stack.settings_of("ingest")["TRUENORTH_PSEUDONYM_SECRET"])
    full = rows_holding(platform, ACCOUNT)
    assert {"console.account", "console.audit", "console.contact", "notify.delivery", "playbooks.task"} <= full

    platform.post([request("contact", CONTACT, "q-erase-contact"), request("actor", ACTOR, f"q-erase {ACTOR}")])
    eventually(lambda: standing(platform, "q-erase-contact"), what="every service's word about the contact")
    eventually(lambda: standing(platform, f"q-erase {people.of(ACTOR)}"), what="every service's word about the actor")
    raw = (CONTACT, PERSON, ACTOR)
    assert rows_holding(platform, *raw) == set()
    assert rows_holding(platform, people.of(CONTACT), people.of(ACTOR)) <= TABLES_THAT_STAY
    assert compacted_holding(platform, *raw, people.of(CONTACT), people.of(ACTOR)) == set()
    assert "console.contact" in rows_holding(platform, OTHER), "the others stay"

    platform.kill("playbooks")
    platform.kill("health")
    platform.post([request("account", ACCOUNT, "q-erase")])
    platform.kill("console")
    platform.kill("notify")
    for name in ("health", "playbooks", "notify", "console"):
        platform.stack.start_service(name)
    eventually(lambda: standing(platform, "q-erase"), what="every service's word about the account")
    assert_forgotten(platform)

    platform.post([event("account.updated", ACCOUNT, "q-late", {"name": NAME, "owner_id": OWNER})])
    platform.post([request("account", ACCOUNT, "q-erase")])
    platform.post(trouble(ACCOUNT))
    platform.post(healthy_past("after-quillfeather", "After"))
    eventually(lambda: latest(platform, "after-quillfeather"), what="what was posted later")
    assert_forgotten(platform)
    found = json.loads(platform.run("verify", "--json"))
    assert found["differences"] == []


def assert_forgotten(platform: Platform) -> None:
    """Nothing but gravestones, and each service's word once per request."""
    raw = (CONTACT, PERSON, ACTOR, OTHER, "Zebediah")
    assert rows_holding(platform, NAME, *raw) == set()
    assert rows_holding(platform, ACCOUNT) <= TABLES_THAT_STAY
    assert compacted_holding(platform, NAME, *raw) == set()
    assert compacted_holding(platform, ACCOUNT) <= {"health-changelog"}
    assert ever_written_holding(platform, *raw) <= {"contacts"}
    assert logs_holding(platform, *raw) == set()
    said = Counter(
        (one.data.request_id, one.data.service) for one in platform.events("erasures-done") if one.account == ACCOUNT
    )
    assert set(said.values()) == {1}
    assert len(said) == 3 * len(CARRYING_OUT)
