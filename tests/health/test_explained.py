"""What `truenorth explain` says: the events behind each signal, and contributions that add up."""

import json
from typing import Any

import click
import pytest
from truenorth.definitions.model import RollUp, ScoreException
from truenorth.definitions.signals import SIGNALS, Signal
from truenorth.events import FAMILY_OF_TYPE, Event, inputs, people
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.health import ChildScored, DecisionPoint, HealthChanged
from truenorth_health.adapters.explaining import as_json
from truenorth_health.commands_explain import moment
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.explained import LATEST_MAX, LOOKS, Past, suffix_days, told
from truenorth_health.domain.explained_text import WIDTH, lines, rounded_together
from truenorth_health.domain.explanation import Explanation, changed, explain, published
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import new_state
from truenorth_health.domain.way import Way, way_of

from tests.health.builders import (
    ACCOUNT,
    DAY,
    HOUR,
    NOON,
    Book,
    compiled,
    event,
    source_of,
    support_card,
    three_part_card,
)

ALSO_FROM = {"csat_90d": {"surveys"}, "arr": {"accounts"}, "seats": {"accounts"}, "days_to_renewal": {"accounts"}}
"""Sources beside its own that a signal is measured from; those without a source are named below."""
FROM_FACTS = {"billing", "accounts", "actions", "surveys"}

Told = list[tuple[Any, int]]


def story() -> Told:
    """Nine people, four days ago; a P1 since yesterday, an older ticket that was solved; NPS 6."""
    return [
        (inputs.AccountUpdated(name="Acme", owner_id="dana"), NOON - 60 * DAY),
        (inputs.UsageRecorded("board", actor="early"), NOON - 40 * DAY),
        *((inputs.UsageRecorded("board", actor=f"a{number}"), NOON - 4 * DAY) for number in range(9)),
        (inputs.TicketOpened("old", priority="p1"), NOON - 9 * DAY),
        (inputs.TicketSolved("old"), NOON - 8 * DAY),
        (inputs.TicketOpened("now", priority="p3"), NOON - 30 * HOUR),
        (inputs.TicketUpdated("now", priority="p1"), NOON - 24 * HOUR),
        (inputs.SurveyAnswered("nps", 6, role="admin", respondent="mary"), NOON - 3 * DAY),
    ]


def events_of(told_so: Told) -> list[Event]:
    return [event(payload, time_ms, f"e{number}") for number, (payload, time_ms) in enumerate(told_so)]


def explained(told_so: Told, definitions: Compiled, at_ms: int = NOON, way: Way | None = None) -> Explanation:
    state, events = new_state(ACCOUNT), events_of(told_so)
    for one in events:
        fold(state, source_of(one), one, one.time_ms)
    before = state.parts()
    said = explain(state, events, definitions, at_ms, way or Way())
    assert state.parts() == before  # explaining changes nothing
    return said


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_what_a_signal_looks_at_follows_from_the_catalogue(signal: Signal) -> None:
    looks = LOOKS[signal.name]
    assert looks.types
    assert set(looks.types) <= set(CATALOGUE)
    sources = {FAMILY_OF_TYPE[name] for name in looks.types}
    if signal.source is None:
        assert sources <= FROM_FACTS
    else:
        assert signal.source in sources
        assert sources - {signal.source} <= {"surveys"} | ALSO_FROM.get(signal.name, set())
    if (days := suffix_days(signal.name)) is not None:
        assert looks.days == (days if "trend" not in signal.name else {7: 35, 28: 56}[days])
    fields = {name for name, _ in looks.fields}
    assert all(any(hasattr(CATALOGUE[kind], name) for kind in looks.types) or looks.is_open for name in fields), (
        "a field that no payload has would never count"
    )


def test_the_days_of_a_signal_are_read_off_its_name() -> None:
    assert [suffix_days(name) for name in ("events_28d", "nps", "advocacy_365d", "nps_end_user")] == [
        28,
        None,
        365,
        None,
    ]


def test_events_behind_a_signal_are_those_of_its_window_the_latest_first() -> None:
    past = Past(events_of(story()), NOON)
    behind = past.behind("active_actors_28d")
    assert (behind.count, behind.days, len(behind.latest)) == (9, 28, LATEST_MAX)
    assert past.behind("events_90d").count == 10
    assert past.behind("events_1d").count == 0
    assert [one.type for one in past.behind("nps_admin").latest] == ["survey.answered"]
    assert past.behind("nps_champion").count == 0


def test_events_behind_what_is_open_now_are_those_of_open_things_with_their_present_priority() -> None:
    past = Past(events_of(story()), NOON)
    assert [one.told for one in past.behind("open_p1_days").latest] == ["now, p1", "now, p3"]
    assert past.behind("open_p2_tickets").count == 0
    earlier = Past(events_of(story()), NOON - 200 * HOUR)
    assert [one.told for one in earlier.behind("open_p1_tickets").latest] == ["old, p1"]


def test_an_invoice_that_was_paid_is_not_behind_what_is_overdue() -> None:
    told_so: Told = [
        (inputs.InvoiceOverdue("i1", amount=50_000, due_on="2025-10-01"), NOON - 9 * DAY),
        (inputs.InvoiceOverdue("i2", amount=70_000), NOON - 8 * DAY),
        (inputs.InvoicePaid("i1"), NOON - 7 * DAY),
    ]
    behind = Past(events_of(told_so), NOON).behind("days_overdue")
    assert [one.told for one in behind.latest] == ["i2, amount $700"]


def test_what_is_open_or_overdue_without_a_word_for_it_is_behind_it_too() -> None:
    told_so: Told = [
        (inputs.InvoiceIssued("due", 50_000, "2025-10-01"), NOON - 60 * DAY),
        (inputs.InvoiceIssued("not yet", 60_000, "2025-12-01"), NOON - 60 * DAY),
        (inputs.InvoicePaid("paid"), NOON - 9 * DAY),
        (inputs.InvoiceOverdue("paid", 70_000), NOON - 8 * DAY),
        (inputs.TicketUpdated("heard of", "p1"), NOON - 5 * DAY),
        (inputs.TicketRated("rated", 4.0), NOON - 5 * DAY),
    ]
    past = Past(events_of(told_so), NOON)
    assert [one.told for one in past.behind("invoices_overdue").latest] == ["due, amount $500, due on 2025-10-01"]
    assert [one.told for one in past.behind("open_p1_tickets").latest] == ["heard of, p1"]


def test_no_event_is_told_with_a_persons_name() -> None:
    for payload in (
        inputs.UsageRecorded("board", actor="mary"),
        inputs.SurveyAnswered("nps", 6, respondent="mary"),
        inputs.EngagementHeld("call", contact="mary"),
        inputs.ChampionLeft("mary"),
    ):
        assert "mary" not in told(event(payload, NOON, "e")).told


def test_contributions_add_up_to_the_score_in_text_and_json() -> None:
    said = explained(story(), compiled(three_part_card()))
    assert said.computed is not None
    assert sum(measure.contribution for measure in said.measures) == pytest.approx(said.computed, abs=1e-9)
    document = json.loads(as_json(said))
    total = sum(one["contribution"] for part in document["dimensions"] for one in part["measures"])
    assert total == pytest.approx(document["computed"], abs=1e-9)
    assert document["score"] == document["computed"] == said.score
    text = lines(said)
    assert text[0] == "acme  Acme"
    assert any("Sum of the contributions" in line and line.endswith(f" {said.computed:.1f}") for line in text)
    assert max(len(line) for line in text) <= WIDTH


def test_printed_points_add_up_to_the_printed_sum() -> None:
    assert rounded_together([33.333, 33.333, 33.334], 100.0) == [333, 333, 334]
    assert rounded_together([0.06, 0.06, 0.06, 0.06, 0.06], 0.3) == [1, 1, 1, 0, 0]
    assert rounded_together([], 0.0) == []


def test_a_score_capped_by_an_exception_says_so_and_still_adds_up() -> None:
    capped = three_part_card(exceptions=[ScoreException(when="open_p1_tickets", above=0, cap=20, why="a P1 is open")])
    said = explained(story(), compiled(capped))
    assert (said.score, said.exceptions) == (20, ["a P1 is open"])
    assert sum(measure.contribution for measure in said.measures) == pytest.approx(20, abs=1e-9)
    assert "  exception: a P1 is open" in lines(said)


def test_what_children_give_and_what_is_its_own_add_up() -> None:
    rolling = compiled(three_part_card(roll_up=RollUp(how="mean")))
    children: Told = [
        (ChildScored("north", 1, "red", 20.0), NOON - HOUR),
        (ChildScored("south", 1, "green", 90.0), NOON - HOUR),
    ]
    said = explained([*story(), *children], rolling)
    assert said.rolled_up is not None
    assert said.computed is not None
    whole = sum(measure.contribution for measure in said.measures)
    whole += sum(child.contribution for child in said.rolled_up.children)
    assert whole == pytest.approx(said.computed, abs=1e-9)
    assert said.computed == pytest.approx((20 + 90 + (said.rolled_up.own or 0)) / 3)
    text = "\n".join(lines(said))
    assert "Children (mean)" in text
    assert "north" in text
    alone = explained(story(), rolling)
    since = changed(alone, said)
    assert sum(moved.points for moved in since.drivers) == pytest.approx(since.change, abs=1e-9)
    assert {"account north", "account south"} <= {moved.name for moved in since.drivers}


def test_two_weeks_before_is_compared_under_the_same_scorecard() -> None:
    said = explained(story(), compiled(three_part_card()))
    people_active = next(measure for measure in said.measures if measure.id == "people")
    assert people_active.was is not None
    assert people_active.change == people_active.contribution - people_active.was


def test_an_override_is_told_beside_the_computed_score() -> None:
    told_so = [*story(), (people.OverrideSet("dana", "signed yesterday", 90.0), NOON - HOUR)]
    said = explained(told_so, compiled(three_part_card()))
    assert (said.score, said.band) == (90.0, "green")
    assert said.computed is not None
    assert said.computed < 90
    assert any("set by a person: 90 by dana: signed yesterday" in line for line in lines(said))


def test_the_band_depends_on_the_way_an_account_came() -> None:
    definitions = compiled(support_card())
    told_so: Told = [
        (inputs.AccountUpdated(name="Acme"), NOON - 9 * DAY),
        *((inputs.TicketOpened(f"t{number}"), NOON - DAY) for number in range(3)),
    ]
    assert explained(told_so, definitions, way=Way(band="green")).band == "green"
    assert explained(told_so, definitions, way=Way(band="yellow")).band == "yellow"


def test_the_way_is_what_the_transitions_told_up_to_a_moment() -> None:
    def change(number: int, kind: Any, subject: str, after: str, band: Any, at_ms: int) -> HealthChanged:
        point = DecisionPoint({}, "b", 1, at_ms, {"tickets": 5} if number == 1 else {})
        return HealthChanged(ACCOUNT, number, kind, subject, "", after, "behaviour", at_ms, point, band=band)

    told_so = [
        change(3, "finding", "watermelon", "clear", "green", 300),
        change(1, "band", "band", "red", "red", 100),
        change(2, "finding", "watermelon", "open", "red", 200),
    ]
    assert way_of(told_so, 150) == Way("red", {}, {}, {"tickets": 5})
    assert way_of(told_so, 250).findings == {"watermelon": 200}
    assert way_of(told_so, 999) == Way("green", {}, {}, {})


def test_what_changed_since_adds_up_to_the_difference_with_the_largest_first() -> None:
    definitions = compiled(three_part_card())
    then = explained([one for one in story() if one[1] < NOON - 2 * DAY], definitions, NOON - 2 * DAY)
    now = explained(story(), definitions)
    since = changed(then, now)
    assert since.change is not None
    assert sum(moved.points for moved in since.drivers) == pytest.approx(since.change, abs=1e-9)
    assert since.drivers[0].measure == "p1"
    assert (since.drivers[0].before, since.drivers[0].after) == ("0 days", "1 day")
    then.since = since
    assert any("P1: 0 days -> 1 day" in line for line in lines(then))


def test_what_is_published_and_differs_is_said() -> None:
    book = Book(compiled(support_card()))
    snapshot = book.decide(NOON).snapshot
    assert snapshot is not None
    same = published(explained([(inputs.AccountUpdated(name="Acme"), NOON - DAY)], book.definitions), snapshot)
    assert same.differs == []
    worse = [(inputs.AccountUpdated(name="Acme"), NOON - DAY), (inputs.TicketOpened("t"), NOON - DAY)]
    differs = published(explained(worse, book.definitions), snapshot).differs
    assert differs == ["score 100 is published, 90 follows from the events now"]


def test_an_account_that_nobody_introduced_is_provisional() -> None:
    said = explained([(inputs.TicketOpened("t"), NOON)], compiled(support_card()))
    assert said.status == "provisional"
    assert "Provisional: 1 event" in "\n".join(lines(said))


def test_an_erased_account_is_erased_and_nothing_of_it_is_told() -> None:
    told_so = [*story(), (people.ErasureRequested("account", ACCOUNT), NOON - HOUR)]
    said = explained(told_so, compiled(three_part_card()))
    assert (said.status, said.dimensions) == ("erased", [])
    assert any("erased on request" in line for line in lines(said))


def test_an_account_that_left_is_explained_as_of_when_it_left() -> None:
    told_so = [*story(), (inputs.AccountChurned(reason="budget"), NOON - 2 * HOUR)]
    said = explained(told_so, compiled(three_part_card()))
    assert said.status == "churned"
    assert sum(measure.contribution for measure in said.measures) == pytest.approx(said.computed, abs=1e-9)
    assert any("the last score" in line for line in lines(said))


def test_a_scorecard_for_nobody_is_said() -> None:
    said = explained(story(), compiled(three_part_card(segment="elsewhere")))
    assert said.status == "no_scorecard"


def test_a_time_is_a_moment_with_its_zone_or_the_end_of_a_day() -> None:
    assert moment("2025-11-08T12:00:00Z", now_ms=NOON + DAY) == NOON
    assert moment("2025-11-08T13:00:00+01:00", now_ms=NOON + DAY) == NOON
    assert moment("2025-11-07", now_ms=NOON) == NOON - 12 * HOUR - 1
    assert moment("2025-11-08", now_ms=NOON) == NOON


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "is no time: write 2026-11-22T09:05:00Z or 2026-11-22"),
        ("2025-13-01", "is no time: write"),
        ("2025-11-08T12:00:00", "does not say its time zone: write"),
        ("2025-11-09", "lies ahead"),
    ],
)
def test_a_wrong_time_is_refused_with_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(click.UsageError, match=said):
        moment(text, now_ms=NOON)
