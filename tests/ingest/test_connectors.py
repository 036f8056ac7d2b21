"""Connectors: what ships means what its cases say, expressions, and the command that tries them."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.definitions.intake import Connector, EventMapping
from truenorth.definitions.lint import installed_checks, lint
from truenorth.definitions.parse import parse_texts
from truenorth.errors import RefusedError
from truenorth_ingest import commands_connector
from truenorth_ingest.adapters.shipped import shipped_connectors, shipped_texts
from truenorth_ingest.domain.webhooks.built_in import READERS
from truenorth_ingest.domain.webhooks.expressions import as_text, as_time, compiled
from truenorth_ingest.domain.webhooks.mapping import EVENTS_PER_WEBHOOK_MAX, CompiledMappings
from truenorth_ingest.domain.webhooks.silence import DAY_MS, HOUR_MS, Heard, Window, heard, limit_ms, silent_ms

SHIPPED = shipped_connectors()
MAPPINGS = {one.id: CompiledMappings(one) for one in SHIPPED if one.reads == "mapping"}
MAPPED = list(MAPPINGS)
CONFIG = Path(__file__).parents[2] / "config" / "connectors.yaml"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
DESK = Connector(
    id="desk",
    external_ids="helpdesk",
    event_id="id",
    time="at",
    mappings=[
        EventMapping(when="kind == 'none'", ignore=True),
        EventMapping(
            when="kind == 'many'",
            type="ticket.solved",
            each="tickets",
            account="payload.who",
            data={"ticket_id": "text(n)"},
        ),
        EventMapping(
            when="kind", type="ticket.opened", account="who", external_id="org", data={"ticket_id": "text(n)"}
        ),
    ],
)


def code_of(call: Callable[[], object]) -> str:
    """Return what a call is refused with; empty when it is not."""
    try:
        call()
    except RefusedError as refusal:
        return refusal.code
    return ""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands_connector.connector, [str(one) for one in arguments], catch_exceptions=True)


@pytest.mark.parametrize("name", [*MAPPED, CONFIG])
def test_what_ships_means_what_its_cases_say(name: str | Path) -> None:
    result = run("test", name)
    assert result.exit_code == 0, result.output
    assert result.output.count("fine") >= 3


def test_a_shipped_connector_that_code_reads_is_tried_by_its_id(tmp_path: Path) -> None:
    webhook = tmp_path / "paid.json"
    paid = {"id": "in_1", "object": "invoice", "customer": "cus_1"}
    event = {"id": "evt_1", "object": "event", "type": "invoice.paid", "created": 1_780_000_000}
    webhook.write_text(json.dumps({**event, "data": {"object": paid}}))
    assert '"stripe:cus_1"' in run("test", "stripe", "--payload", webhook).output
    assert "read by code and has no cases; give --payload" in str(run("test", "stripe").exception)


def test_the_list_says_on_where_the_local_stack_gave_the_edge_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def listed(bootstrap: str, database_url: str) -> tuple[list[Connector], dict[str, Heard]]:
        assert (bootstrap, database_url) == ("127.0.0.1:19092", "postgresql://left/by-up")
        return [one for one in SHIPPED if one.id in ("jira", "stripe")], {"stripe": Heard(0, DAY_MS)}

    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "KAFKA_BOOTSTRAP_SERVERS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TRUENORTH_DATA", str(tmp_path))
    monkeypatch.setattr(commands_connector, "_listed", listed)
    (tmp_path / "database-url").write_text("postgresql://left/by-up\n")
    (tmp_path / "connector-stripe-secret").write_text("whsec_x")
    stripe, jira = sorted(run("list").output.splitlines(), reverse=True)
    assert " on  heard 1970-01-01T00:00:00.000Z  SILENT (silent after 10 d)" in stripe
    assert " no secret here (TRUENORTH_CONNECTOR_SECRET_JIRA)  never heard" in jira


def test_what_ships_passes_the_linter() -> None:
    parsed = parse_texts({f"{name}.yaml": text for name, text in shipped_texts()})
    assert [error for error in lint(parsed, installed_checks()) if error.field.startswith("connectors")] == []


def test_every_connector_says_what_reads_it() -> None:
    assert {one.reads for one in SHIPPED} == {"mapping", *READERS}


@pytest.mark.parametrize(
    ("expression", "value", "found"),
    [
        ("date(a)", {"a": 1_700_000_000}, "2023-11-14"),
        ("date(a)", {"a": 1_700_000_000_123}, "2023-11-14"),
        ("date(a)", {"a": "2026-01-31T23:30:00-05:00"}, "2026-02-01"),
        ("date(a)", {}, None),
        ("time(a)", {"a": "1700000000"}, "2023-11-14T22:13:20.000Z"),
        ("minor(a, `2`)", {"a": "12.345"}, 1235),
        ("minor(a, `2`)", {"a": 0.29}, 29),
        ("minor(a, `0`)", {"a": 500}, 500),
        ("times(a, `12`)", {"a": 95_700}, 1_148_400),
        ("times(a, `0.5`)", {"a": 3}, 1.5),
        ("minutes(a, b)", {"a": 0, "b": 125}, 2),
        ("minutes(a, b)", {"a": 125, "b": 0}, 0),
        ("minutes(a, b)", {"a": 125}, None),
        ("text(a)", {"a": True}, "true"),
        ('lookup(lower(a), `{"high": "p2"}`) || \'p3\'', {"a": "HIGH"}, "p2"),
        ('lookup(a, `{"high": "p2"}`) || \'p3\'', {"a": None}, "p3"),
    ],
)
def test_functions(expression: str, value: Any, found: Any) -> None:
    assert compiled(expression)(value) == found


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("minor(a, `2`)", "1e99999999"),
        ("minor(a, `2`)", "NaN"),
        ("minor(a, `12`)", 1),
        ("minor(a, `2`)", True),
        ("times(a, `2`)", []),
        ("date(a)", -5),
        ("date(a)", 10**18),
        ("date(a)", "soon"),
        ("text(a)", {}),
        ("sort(a)", 5),
    ],
)
def test_what_a_function_cannot_read_is_refused(expression: str, value: object) -> None:
    with pytest.raises(RefusedError) as caught:
        compiled(expression)({"a": value})
    assert caught.value.code == "webhook_invalid"


@pytest.mark.parametrize("expression", ["a[", "days(a)", "a ||", "{a"])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(RefusedError) as caught:
        compiled(expression)
    assert caught.value.code == "expression_invalid"


@settings(deadline=None)
@given(JSON)
def test_functions_take_or_refuse_anything(value: Any) -> None:
    calls: list[Callable[[Any], object]] = [
        as_text,
        as_time,
        *(compiled(text) for text in ("date(@)", "minor(@, `2`)", "times(@, `3`)", "lower(@)", "minutes(@, @)")),
    ]
    for call in calls:
        assert code_of(partial(call, value)) in {"", "webhook_invalid"}


@settings(deadline=None)
@given(JSON, st.sampled_from(MAPPED))
def test_shipped_mappings_read_or_refuse_anything(value: Any, name: str) -> None:
    assert code_of(lambda: MAPPINGS[name].read(value, {})) in {"", "webhook_unknown", "webhook_invalid"}


def test_the_first_mapping_that_fits_is_taken() -> None:
    read = CompiledMappings(DESK).read
    assert read({"kind": "none"}, {}) == ()
    (told,) = read({"kind": "one", "id": "e1", "at": 1_700_000_000, "n": 7, "org": 12}, {})
    assert (told.type, told.id, told.lookups, told.account) == ("ticket.opened", "e1", ("helpdesk:12",), "")
    assert told.time == "2023-11-14T22:13:20.000Z"
    with pytest.raises(RefusedError, match="no mapping"):
        read({"other": 1}, {})


def test_each_makes_as_many_events_with_ids_of_their_own() -> None:
    payload = {"kind": "many", "id": "e1", "who": "acct-1", "tickets": [{"n": 1}, {"n": 2}]}
    told = CompiledMappings(DESK).read(payload, {})
    assert [(one.id, one.account) for one in told] == [("e1-0", "acct-1"), ("e1-1", "acct-1")]
    with pytest.raises(RefusedError) as caught:
        CompiledMappings(DESK).read({**payload, "tickets": [{"n": 1}] * (EVENTS_PER_WEBHOOK_MAX + 1)}, {})
    assert caught.value.field == "each"


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        ({"kind": "x", "n": 1}, "account"),
        ({"kind": "x", "who": "a"}, "data.ticket_id"),
        ({"kind": "x", "who": "a", "n": []}, "data.ticket_id"),
        ({"kind": "x", "who": [], "n": 1}, "account"),
        ({"kind": "x", "who": "a", "n": 1, "at": "soon"}, "time"),
        ({"kind": "x", "who": "a", "n": 1, "id": {}}, "event_id"),
        ({"kind": "many", "tickets": 5}, "each"),
    ],
)
def test_what_cannot_be_read_names_the_field_of_the_definition(payload: Any, field: str) -> None:
    with pytest.raises(RefusedError) as caught:
        CompiledMappings(DESK).read(payload, {})
    assert (caught.value.code, caught.value.field.split(".")[0]) == ("webhook_invalid", field.split(".", maxsplit=1)[0])


def test_a_case_that_differs_is_told_and_ends_with_1(tmp_path: Path) -> None:
    file, beside = tmp_path / "desk.yaml", tmp_path / "tests" / "desk.yaml"
    beside.parent.mkdir()
    file.write_text(
        "connectors:\n  - id: desk\n    auth: token\n    mappings:\n"
        "      - {when: kind, type: ticket.opened, account: who, data: {ticket_id: n}}\n"
    )
    case = "cases:\n  - {name: opened, payload: {kind: a, who: b, n: '1'}, events: [%s]}\n"
    beside.write_text(case % "{type: ticket.opened, account: b, data: {ticket_id: '2'}}")
    result = run("test", file)
    assert result.exit_code == 1
    assert "events[0].data is {'ticket_id': '1'}, expected {'ticket_id': '2'}" in result.output
    (tmp_path / "payload.json").write_text('{"kind": "a", "who": "b", "n": "9"}')
    assert '"ticket_id": "9"' in run("test", file, "--payload", tmp_path / "payload.json").output


def test_a_file_that_is_wrong_is_told_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "desk.yaml"
    file.write_text(
        "connectors:\n  - id: desk\n    auth: token\n    mappings:\n"
        "      - when: kind\n        type: ticket.opend\n        account: 'who['\n"
    )
    result = run("test", file)
    assert isinstance(result.exception, RefusedError)
    assert f"{file}:6: connectors[0].mappings[0].type" in str(result.exception)
    assert f"{file}:7: connectors[0].mappings[0].account: not JMESPath" in str(result.exception)


def test_a_busy_connector_is_silent_soon_and_a_quiet_night_is_not_silence() -> None:
    plain = Connector(id="desk")
    known = None
    for day in range(28):  # a webhook a minute from nine to five, every day
        start = day * DAY_MS + 9 * HOUR_MS
        known = heard(known, Window(480, start, start + 8 * HOUR_MS))
    assert known is not None
    assert silent_ms(plain, known, known.last_ms + 17 * HOUR_MS) == 0
    steady = Heard(0, DAY_MS)
    for minute in range(1, 28 * 1440, 30):
        steady = heard(steady, Window(30, minute * 60_000, (minute + 29) * 60_000))
    assert limit_ms(plain, steady) == HOUR_MS
    assert silent_ms(plain, steady, steady.last_ms + 2 * HOUR_MS) == 2 * HOUR_MS


def test_how_long_a_connector_may_be_silent_can_be_said() -> None:
    assert limit_ms(Connector(id="desk", silent_after="90m"), Heard(0, DAY_MS)) == 90 * 60_000
    assert limit_ms(Connector(id="desk"), Heard(0, 30 * DAY_MS)) == 14 * DAY_MS


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 100)), min_size=1, max_size=30))
def test_the_usual_gap_stays_between_nothing_and_the_longest(gaps: list[tuple[int, int]]) -> None:
    known, now_ms, longest = None, 10**12, DAY_MS
    for gap_ms, times in gaps:
        now_ms += gap_ms
        known = heard(known, Window(times, now_ms, now_ms + times))
        now_ms += times
        longest = max(longest, gap_ms, times)
        assert 0 <= known.gap_ms <= longest
        assert known.last_ms == now_ms
