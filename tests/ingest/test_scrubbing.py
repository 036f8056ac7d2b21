"""What is kept of a refused event says nothing of anybody."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.quarantining import quarantined
from truenorth_ingest.domain.scrubbing import KNOWN, PEOPLE, SECRETS, is_mark, looks_personal, scrubbed, without_marks

from tests.ingest.doubles import KEY, PSEUDONYM_SECRET, Edge, stored_key, usage

of = Pseudonyms(PSEUDONYM_SECRET).of
SENDER = Sender("key1", "backend")

MAILS = ["ada.lovelace@example.com", "Ada <ada@host>", "ada%40example.com", "ada＠example.com"]
PLACES = ["203.0.113.7", "client 203.0.113.7:443", "2001:db8::8a2e:370:7334", "::ffff:203.0.113.7"]
SECRET_TEXTS = [KEY, "sk_live_abcdefgh", "Bearer abcdef", "whsec_abcdef"]
PEOPLES_NAMES = ["Ada Lovelace", "Grace Brewster Hopper", "+49 170 1234567"]
PLANTED = MAILS + PLACES + SECRET_TEXTS

free_names = st.sampled_from(
    ["title", "name", "email", "ip", "phone", "note", "userAgent", "zzz", "Some Key", *PLANTED]
)
names = st.one_of(free_names, st.sampled_from(sorted(KNOWN | PEOPLE | SECRETS)), st.text(max_size=8))
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(PLANTED)
)


def _objects(parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.dictionaries(names, parts, max_size=5)
    named = st.dictionaries(free_names, st.sampled_from(PEOPLES_NAMES + PLANTED), max_size=3)
    people = st.dictionaries(st.sampled_from(sorted(PEOPLE)), st.sampled_from(PEOPLES_NAMES), max_size=3)
    traits = st.builds(
        lambda under, kept: {under: kept},
        st.sampled_from(["traits", "user", "contact"]),
        st.dictionaries(names, st.sampled_from(PEOPLES_NAMES + PLANTED), max_size=3).map(
            lambda found: {key: value for key, value in found.items() if "account" not in key and "group" not in key}
        ),
    )
    return st.one_of(plain, named, people, traits, st.lists(parts, max_size=4))


anything = st.recursive(scalars, _objects, max_leaves=25)


@given(value=anything)
def test_nobody_and_no_secret_survives_in_any_json(value: Any) -> None:
    raw = json.dumps(value).encode()
    kept = scrubbed(raw, of)
    for planted in [*PLANTED, *PEOPLES_NAMES]:
        assert planted not in kept.text
        assert json.dumps(planted)[1:-1] not in kept.text
    kept.text.encode()
    json.loads(kept.text)


@given(value=anything)
def test_scrubbing_again_changes_nothing(value: Any) -> None:
    once = scrubbed(json.dumps(value).encode(), of).text
    again = scrubbed(once.encode(), of)
    assert again.text == once
    assert not again.redacted


@given(raw=st.one_of(st.binary(max_size=200), st.text(max_size=100).map(lambda text: f"Ada Lovelace {text}".encode())))
def test_what_is_not_json_keeps_no_text(raw: bytes) -> None:
    kept = scrubbed(raw, of)
    assert b"Ada" not in kept.text.encode()
    if not kept.replayable and kept.text.startswith("["):
        assert re.match(r"\[(\d+ (bytes|characters)|.*\])", kept.text)


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (usage(), usage()),
        (usage(data={"feature": "x", "actor": "u1"}), usage(data={"feature": "x", "actor": of("u1")})),
        (
            {
                "type": "track",
                "event": "Export",
                "userId": 7,
                "writeKey": KEY,
                "properties": {"plan": "pro", "to": "Z"},
            },
            {
                "type": "track",
                "event": "Export",
                "userId": of("7"),
                "properties": {"plan": "pro", "to": "[1 characters]"},
            },
        ),
        (
            {"type": "group", "groupId": "a", "traits": {"name": "Acme", "employees": 4, "accountId": "a1"}},
            {"type": "group", "groupId": "a", "traits": {"name": "[4 characters]", "employees": 4, "accountId": "a1"}},
        ),
        (
            {"type": "invoice.paid", "data": {"object": {"customer": "cus_1", "customer_email": "a@b.c"}}},
            {"type": "invoice.paid", "data": {"object": {"customer": "cus_1", "customer_email": "[5 characters]"}}},
        ),
        ({"context": {"groupId": "g", "ip": "203.0.113.7"}}, {"context": {"groupId": "g", "ip": "[11 characters]"}}),
        ({"user": {"id": "ada", "age": 3}}, {"user": {"id": of("ada"), "age": 3}}),
        ({"time": "2026-01-01T08:00:00Z"}, {"time": "2026-01-01T08:00:00Z"}),
    ],
)
def test_what_the_contract_knows_is_kept(said: Any, kept: Any) -> None:
    found = scrubbed(json.dumps(said).encode(), of)
    assert json.loads(found.text) == kept
    assert found.redacted == (said != kept)
    assert found.replayable


def test_a_replay_leaves_out_what_was_not_kept() -> None:
    assert without_marks({"a": "[3 characters]", "b": ["[3 characters]", 1], "[2 characters]": 1, "c": {"d": "x"}}) == {
        "b": [1],
        "c": {"d": "x"},
    }
    assert is_mark("[nested]")
    assert not is_mark("[x]")


def test_a_pseudonym_stays_itself() -> None:
    assert of(of("ada")) == of("ada") != "ada"
    assert of("p_short") != "p_short"


def test_versions_times_and_ids_are_nobodys() -> None:
    for text in ("2026-01-01T08:00:00Z", "1.2.3", "cus_123", "acct-1", "2026-01-01T08:00:00.123+02:00"):
        assert not looks_personal(text), text


def test_what_nests_deeply_is_cut_off_and_told() -> None:
    deep: Any = "Ada Lovelace"
    for _ in range(100):
        deep = {"data": deep}
    found = scrubbed(json.dumps(deep).encode(), of)
    assert '"[nested]"' in found.text
    assert found.redacted
    assert not scrubbed(b"[" * 100_000, of).replayable


async def test_neither_message_nor_original_of_a_record_names_anybody() -> None:
    edge = Edge()
    wrong = [
        usage(type="ticket.opened", data={"ticket_id": "t", "priority": "Ada Lovelace"}),
        usage(type="Ada Lovelace"),
        usage(time="Ada O'Brien Lovelace"),
        usage(data={"feature": "x" * 300, "actor": "Ada Lovelace"}),
        usage(type="contact.updated", data={"contact_id": "Ada Lovelace", "name": "Ada Lovelace", "email": "a@b.c"}),
        usage(type="account.updated", data={"owner_id": "ada@example.com", "seats": "Ada Lovelace"}),
        ["Ada Lovelace"],
    ]
    answer = await edge.post(wrong)
    assert len(answer.json()["rejected"]) == len(wrong)
    assert len(edge.log.values("quarantine")) == len(wrong)
    for record in edge.log.values("quarantine"):
        told = json.dumps(record)
        assert "Lovelace" not in told, told
        assert "@" not in told
        assert record["key_name"] == "backend"


async def test_a_known_value_is_told_so_that_it_can_be_corrected() -> None:
    edge = Edge()
    edge.keys.keys["key1"] = stored_key(name="helpdesk")
    await edge.post(usage(type="ticket.opened", data={"ticket_id": "t", "priority": "urgent"}))
    (record,) = edge.log.values("quarantine")
    assert "'urgent'" in record["message"]
    assert json.loads(record["original"])["data"]["priority"] == "urgent"


def test_a_record_says_whether_it_can_be_replayed() -> None:
    from truenorth.errors import RefusedError
    from truenorth.quarantine import parse_quarantined

    def record(raw: bytes) -> Any:
        error = RefusedError("x", "m", field="f")
        kept = quarantined(
            raw, error, route="events", sender=SENDER, now_ms=0, original_bytes_max=1_000, pseudonym_of=of
        )
        return parse_quarantined(kept)

    assert not record(b'{"id":"1"}').truncated
    assert record(b'{"id":"' + b"1" * 1_000 + b'"}').truncated
    assert record(b"nothing").truncated
    assert record(b'{"type":"erasure.requested"}').original == ""
