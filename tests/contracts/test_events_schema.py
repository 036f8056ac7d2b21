"""The published JSON Schema of events says the same as the code that reads them."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from click.testing import CliRunner
from truenorth.commands.definitions import schema
from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE, TYPES_FROM_OUTSIDE
from truenorth.events.inputs import AccountReactivated, ContactUpdated, UsageRecorded
from truenorth.events.schema import json_schema, meaning_of
from truenorth.topics import full_name
from truenorth_ingest.domain.accepting import TYPES_TAKEN

GOLDEN = Path(__file__).parent / "golden"
LINES = [line for name in ("events", "events-minimal") for line in (GOLDEN / f"{name}.jsonl").read_text().splitlines()]
SCHEMA = json_schema()
VALID = jsonschema_rs.validator_for(SCHEMA)
POSTED = {"type": "usage.recorded", "subject": "acct-1", "data": {"feature": "export"}}


@pytest.mark.parametrize("line", LINES, ids=lambda line: str(json.loads(line)["type"]))
def test_every_pinned_event_fits(line: str) -> None:
    assert VALID.is_valid(json.loads(line))


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "usage.recorded", "subject": "acct-1"},
        {"type": "usage.recorded", "data": {"feature": "export"}},
        POSTED | {"type": "usage.made_up"},
        POSTED | {"data": {"feature": ""}},
        POSTED | {"data": {"feature": "export", "count": 0}},
        POSTED | {"data": {"feature": 7}},
        POSTED | {"id": 7},
        POSTED | {"specversion": "0.3"},
    ],
)
def test_what_the_edge_would_refuse_or_has_to_mend_does_not_fit(wrong: dict[str, Any]) -> None:
    assert VALID.is_valid(POSTED)
    assert not VALID.is_valid(wrong)


def test_every_type_has_a_schema_of_its_name_that_says_where_it_travels_and_who_may_send_it() -> None:
    for event_type, family in FAMILY_OF_TYPE.items():
        said = SCHEMA["$defs"][event_type]
        assert (said["x-topic"], said["x-from-outside"]) == (full_name(family), event_type in TYPES_TAKEN)


def test_the_edge_takes_what_the_catalogue_says_may_come_from_outside() -> None:
    assert TYPES_TAKEN == TYPES_FROM_OUTSIDE < CATALOGUE.keys()


def test_the_command_prints_it() -> None:
    told = CliRunner().invoke(schema, ["--events"])
    assert (told.exit_code, json.loads(told.output)) == (0, SCHEMA)


def test_a_meaning_is_the_docstring_without_the_types_name() -> None:
    assert meaning_of(UsageRecorded).startswith("`actor` used `feature` `count` times.")
    assert meaning_of(ContactUpdated) == "A person at the account, with name and address."
    assert meaning_of(AccountReactivated) == "Came back; scored again from the event's time on."
