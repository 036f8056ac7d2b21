"""Decisions: what is published, when, and with which cause."""

import pytest
from truenorth.definitions.model import Bands, Match, Phase, Segment
from truenorth.events import inputs, people
from truenorth_health.domain import limits
from truenorth_health.domain.decide import Decided, decide
from truenorth_health.domain.limits import DAY_SPREAD_MS
from truenorth_health.domain.state import dump, load

from tests.health.builders import BANDS, DAY, NOON, Book, compiled, support_card, three_part_card

SECOND = 1_000


def calm(book: Book) -> None:
    """Decide once, and let the quiet second pass."""
    book.decide(NOON)


def test_a_provisional_account_is_folded_but_neither_scored_nor_published() -> None:
    book = Book(compiled(support_card()))
    other = Book(compiled(support_card()))
    other.state = type(book.state)("other", {})
    other.open_tickets(1, NOON)
    decided = other.decide(NOON)
    assert (decided.snapshot, decided.changes, decided.day, decided.next_due_ms) == (None, [], None, None)
    other.tell(inputs.AccountUpdated(name="Late"), NOON)
    snapshot = other.decide(NOON).snapshot
    assert snapshot is not None
    assert snapshot.score == 90


def test_the_first_band_is_no_crossing() -> None:
    book = Book(compiled(support_card()))
    decided = book.decide(NOON)
    assert [(one.kind, one.before, one.after, one.number) for one in decided.changes] == [("band", "", "green", 1)]
    assert decided.snapshot is not None
    assert (decided.snapshot.revision, decided.snapshot.transitions, decided.snapshot.score) == (1, 1, 100.0)


def test_a_crossing_has_its_drivers_its_sentence_and_its_point() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    book.open_tickets(4, NOON + SECOND)
    decided = book.decide(NOON + SECOND)
    (change,) = decided.changes
    assert (change.kind, change.before, change.after, change.cause) == ("band", "green", "yellow", "behaviour")
    assert (change.score_before, change.score, change.number, change.revision) == (100.0, 60.0, 2, 2)
    assert (change.name, change.owner_id) == ("Acme", "dana")
    assert [(one.measure, one.points, one.text) for one in change.drivers] == [("open", -40.0, "4 tickets open")]
    assert change.sentence.runs == [("4 tickets open", True)]
    assert (change.point.definitions, change.point.ordinal, change.point.now_ms) == ("bundle-1", 1, NOON + SECOND)
    assert change.point.offsets == {"usage": book.count}
    assert decided.snapshot is not None
    assert decided.snapshot.help == "closing a ticket gives back up to 40.0 points and would make this account green"


def test_deciding_twice_at_the_same_point_changes_nothing() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    before = dump(book.state)
    again = book.decide(NOON)
    assert (again.changes, again.milestones, again.snapshot, again.day) == ([], [], None, None)
    assert dump(book.state) == before
    later = book.decide(NOON + 5 * SECOND)
    assert (later.changes, later.snapshot, later.day) == ([], None, None)


def test_a_busy_account_is_published_at_most_once_a_second_and_forgets_no_cause() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    book.open_tickets(4, NOON + 300)
    early = book.decide(NOON + 300)
    assert (early.snapshot, early.changes, early.next_due_ms) == (None, [], NOON + SECOND)
    stored = load("acme", dump(book.state))
    late = decide(stored, book.definitions, offsets={}, now_ms=NOON + SECOND)
    assert [one.cause for one in late.changes] == ["behaviour"]


def test_what_nobody_would_see_is_not_published() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON, actors=["ann"])
    book.decide(NOON)
    book.use(NOON, actors=["ann"])
    assert book.decide(NOON + 2 * SECOND).snapshot is None
    book.tell(inputs.AccountUpdated(tier="gold"), NOON)
    assert book.decide(NOON + 4 * SECOND).snapshot is not None


def test_silence_is_a_cause() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON, actors=[f"u{n}" for n in range(10)])
    book.tell(inputs.SurveyAnswered("nps", 8), NOON)
    first = book.decide(NOON)
    assert first.snapshot is not None
    assert first.snapshot.band == "green"
    due = first.next_due_ms
    assert due is not None
    assert 0 <= due - (NOON // DAY + 1) * DAY <= DAY_SPREAD_MS
    decided = book.decide(NOON + 30 * DAY)
    assert ("band", "silence") in [(one.kind, one.cause) for one in decided.changes]


def test_history_is_marked_as_such() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    for number in range(4):
        book.tell(inputs.TicketOpened(f"old{number}"), NOON - 3 * DAY, recorded_ms=NOON)
    assert [one.cause for one in book.decide(NOON + SECOND).changes] == ["backfill"]
    marked = Book(compiled(support_card()))
    calm(marked)
    for number in range(4):
        marked.tell(inputs.TicketOpened(f"t{number}"), NOON, backfill=True)
    assert [one.cause for one in marked.decide(NOON + SECOND).changes] == ["backfill"]


def test_a_new_model_is_never_read_as_behaviour() -> None:
    book = Book(compiled(support_card()))
    book.open_tickets(2, NOON - DAY)
    book.decide(NOON)
    harsher = support_card(bands=Bands(red=BANDS.red, yellow=type(BANDS.yellow)(enter=90, leave=95)))
    book.definitions = compiled(harsher, ordinal=2)
    book.open_tickets(0, NOON)
    decided = book.decide(NOON + SECOND)
    assert [(one.kind, one.after, one.cause) for one in decided.changes] == [("band", "yellow", "definition")]


def test_older_definitions_wait() -> None:
    book = Book(compiled(support_card(), ordinal=5))
    calm(book)
    book.definitions = compiled(support_card(coverage_floor=0.9), ordinal=4)
    book.open_tickets(9, NOON)
    decided = book.decide(NOON + 5 * SECOND)
    assert (decided.changes, decided.snapshot, decided.next_due_ms) == ([], None, NOON + 6 * SECOND)


def test_the_clock_never_runs_backwards_for_an_account() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    book.decide(NOON + 10 * SECOND)
    book.open_tickets(4, NOON)
    behind = book.decide(NOON + 2 * SECOND)
    assert (behind.changes, behind.next_due_ms) == ([], NOON + 10 * SECOND + 500)
    decided = book.decide(NOON + 11 * SECOND)
    assert [(one.after, one.decided_ms) for one in decided.changes] == [("yellow", NOON + 11 * SECOND)]


def test_a_fact_that_moves_the_account_to_another_segment_says_so() -> None:
    segments = [Segment(id="big", name="Big", match=Match(arr_from=1_000)), Segment(id="small", name="Small")]
    phases = [Phase(id="renewal", name="Renewal", match=Match(renewal_within_days=30))]
    big = support_card(segment="big")
    cards = (type(big)(id="for-big", dimensions=big.dimensions, bands=big.bands, segment="big"), support_card())
    book = Book(compiled(*cards, segments=segments, phases=phases))
    calm(book)
    book.tell(inputs.AccountUpdated(arr=5_000, renews_on="2025-11-20"), NOON)
    decided = book.decide(NOON + SECOND)
    assert [(one.kind, one.before, one.after, one.cause) for one in decided.changes] == [
        ("segment", "small", "big", "fact"),
        ("phase", "", "renewal", "fact"),
        ("scorecard", "standard", "for-big", "fact"),
    ]
    assert [one.number for one in decided.changes] == [2, 3, 4]


def test_an_override_is_published_beside_the_computed_score_and_expires() -> None:
    book = Book(compiled(support_card(bands=Bands(red=BANDS.red, yellow=BANDS.yellow, hold_for="1d"))))
    calm(book)
    book.tell(people.OverrideSet("dana", "they told us", 20.0, NOON + 3_600_000), NOON)
    decided = book.decide(NOON + SECOND)
    assert [(one.after, one.cause) for one in decided.changes] == [("red", "override")]
    snapshot = decided.snapshot
    assert snapshot is not None
    assert (snapshot.score, snapshot.computed_score, snapshot.override) == (20.0, 100.0, "20 by dana: they told us")
    assert decided.next_due_ms == NOON + 3_600_000
    over = book.decide(NOON + 3_600_000).snapshot
    assert over is not None
    assert (over.score, over.override) == (100.0, None)


def test_an_override_is_cleared_by_a_null_value() -> None:
    book = Book(compiled(support_card()))
    book.tell(people.OverrideSet("dana", "no", 20.0), NOON)
    book.tell(people.OverrideSet("dana", "yes again"), NOON + 1)
    snapshot = book.decide(NOON + SECOND).snapshot
    assert snapshot is not None
    assert (snapshot.score, snapshot.override) == (100.0, None)


def test_too_little_data_is_unknown_and_no_guess() -> None:
    book = Book(compiled(three_part_card(coverage_floor=0.6)))
    decided = book.decide(NOON)
    snapshot = decided.snapshot
    assert snapshot is not None
    assert (snapshot.band, snapshot.score, snapshot.computed_score) == ("unknown", None, 100.0)
    assert snapshot.sentence.runs == [
        ("Only 30\N{NO-BREAK SPACE}% of its data is fresh; ", False),
        ("nothing on usage and sentiment", True),
    ]
    assert [one.id for one in snapshot.findings] == ["no_recent_data"]
    assert decided.day is not None
    assert (decided.day.band, decided.day.score) == ("unknown", None)


def test_a_hold_is_due_and_keeps_the_cause_of_its_beginning() -> None:
    book = Book(compiled(support_card(bands=Bands(red=BANDS.red, yellow=BANDS.yellow, hold_for="1h"))))
    calm(book)
    book.open_tickets(4, NOON)
    held = book.decide(NOON + SECOND)
    assert held.changes == []
    assert held.snapshot is not None
    assert (held.snapshot.score, held.snapshot.band) == (60.0, "green")
    assert held.next_due_ms == NOON + SECOND + 3_600_000
    assert [one.cause for one in book.decide(NOON + SECOND + 3_600_000).changes] == ["behaviour"]


def test_one_point_a_day_and_another_when_the_day_changes_its_mind() -> None:
    book = Book(compiled(support_card()))
    first = book.decide(NOON).day
    assert first is not None
    assert (first.on, first.band, first.score, first.contributions) == ("2025-11-08", "green", 100.0, {"open": 100.0})
    assert book.decide(NOON + 2 * SECOND).day is None
    book.open_tickets(1, NOON)
    second = book.decide(NOON + 4 * SECOND).day
    assert second is not None
    assert (second.on, second.score) == ("2025-11-08", 90.0)
    third = book.decide(NOON + DAY).day
    assert third is not None
    assert third.on == "2025-11-09"


def test_the_snapshot_knows_where_each_part_stood_two_weeks_ago() -> None:
    book = Book(compiled(support_card()))
    for day in range(15):
        book.decide(NOON + day * DAY)
    book.open_tickets(3, NOON + 14 * DAY)
    snapshot = book.decide(NOON + 14 * DAY + 2 * SECOND).snapshot
    assert snapshot is not None
    assert snapshot.delta_14d == -30.0
    assert snapshot.dimensions[0].was == 100.0
    assert snapshot.dimensions[0].measures[0].was == 100.0


def test_two_weeks_ago_is_worked_out_where_history_was_loaded() -> None:
    book = Book(compiled(three_part_card()))
    for day in range(60, -1, -1):
        for number in range(10 if day > 38 else 2):
            one = inputs.UsageRecorded("board", actor=f"u{number}")
            book.tell(one, NOON - day * DAY, recorded_ms=NOON, backfill=True)
    snapshot = book.decide(NOON).snapshot
    assert snapshot is not None
    assert snapshot.score is not None
    usage = snapshot.dimensions[0]
    assert usage.measures[0].value == 2.0
    assert usage.was == pytest.approx(62.5)
    assert snapshot.delta_14d == pytest.approx(snapshot.score - 100.0)


def test_two_weeks_ago_is_what_was_told_then_though_nothing_was_decided_since() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON - 30 * DAY, actors=["ann", "bob", "cleo"])
    told = book.decide(NOON).snapshot
    book.use(NOON, actors=["dan", "eve"])  # recorded after that decision: looking back would find it
    book.use(NOON + 14 * DAY)
    deltas = []
    for late_ms in (0, SECOND):
        book.tell(inputs.AccountUpdated(name=f"Acme {late_ms}"), NOON + 14 * DAY + late_ms)
        snapshot = book.decide(NOON + 14 * DAY + late_ms).snapshot
        assert snapshot is not None
        assert snapshot.score is not None
        deltas.append(snapshot.score - (snapshot.delta_14d or 0.0))
    assert told is not None
    assert deltas == [pytest.approx(told.score)] * 2


@pytest.mark.parametrize("live", [True, False])
def test_a_churned_account_keeps_the_score_of_the_moment_it_left(live: bool) -> None:
    book = Book(compiled(support_card()))
    book.open_tickets(2, NOON - 10 * DAY)
    if live:
        book.decide(NOON - 6 * DAY)
    book.tell(inputs.AccountChurned("price"), NOON - 5 * DAY)
    decided = book.decide(NOON)
    snapshot = decided.snapshot
    assert snapshot is not None
    assert (snapshot.churned, snapshot.score, snapshot.band, snapshot.attention) == (True, 80.0, "green", 0.0)
    assert snapshot.sentence.runs == [("Churned", True), (" on 3 November 2025: price", False)]
    assert [(one.kind, one.before, one.after) for one in decided.changes] == [("churn", "active", "churned")]
    assert decided.next_due_ms is None
    book.open_tickets(5, NOON + DAY)
    assert book.decide(NOON + DAY).snapshot is None
    book.tell(inputs.AccountReactivated(), NOON + 2 * DAY)
    back = book.decide(NOON + 2 * DAY)
    assert ("churn", "churned", "active") in [(one.kind, one.before, one.after) for one in back.changes]
    assert back.snapshot is not None
    assert (back.snapshot.churned, back.snapshot.score) == (False, 30.0)


def test_an_erased_account_is_a_tombstone_and_its_numbers_never_start_anew() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    book.tell(people.ErasureRequested("account", "acme"), NOON + DAY)
    decided = book.decide(NOON + DAY)
    assert decided.tombstone
    assert decided.next_due_ms == NOON + DAY + limits.GRAVESTONE_MS
    assert not book.decide(NOON + DAY).tombstone
    assert set(dump(book.state)) <= {"erasures", "path"}
    book.tell(inputs.AccountUpdated(name="Ghost"), NOON, recorded_ms=NOON + 2 * DAY)
    assert book.decide(NOON + 2 * DAY).snapshot is None
    book.tell(inputs.AccountUpdated(name="New"), NOON + 3 * DAY)
    again = book.decide(NOON + 3 * DAY).snapshot
    assert again is not None
    assert (again.revision, again.transitions, again.facts["name"].value) == (2, 2, "New")


def test_a_watermelon_opens_and_clears_with_some_slack() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON, actors=[f"u{n}" for n in range(10)])
    book.tell(inputs.SurveyAnswered("nps", 3, role="sponsor"), NOON)
    decided = book.decide(NOON)
    (opened,) = [one for one in decided.changes if one.kind == "finding"]
    assert (opened.subject, opened.before, opened.after) == ("watermelon", "clear", "open")
    assert opened.drivers[0].measure == "nps"
    assert decided.snapshot is not None
    assert [(one.id, one.evidence) for one in decided.snapshot.findings] == [("watermelon", "usage 100, sentiment 30")]
    book.tell(inputs.SurveyAnswered("nps", 4.2, role="sponsor"), NOON + SECOND)
    assert not [one for one in book.decide(NOON + SECOND).changes if one.kind == "finding"]
    book.tell(inputs.SurveyAnswered("nps", 6, role="sponsor"), NOON + 2 * SECOND)
    cleared = [one for one in book.decide(NOON + 2 * SECOND).changes if one.kind == "finding"]
    assert [(one.subject, one.before, one.after) for one in cleared] == [("watermelon", "open", "clear")]


def test_a_champion_who_left_is_a_finding_until_another_one_answers() -> None:
    book = Book(compiled(support_card()))
    book.tell(inputs.ChampionLeft("ines"), NOON - 6 * DAY)
    snapshot = book.decide(NOON).snapshot
    assert snapshot is not None
    assert [(one.name, one.severity, one.evidence) for one in snapshot.findings] == [
        ("champion left", "red", "left 6 days ago")
    ]
    book.tell(inputs.EngagementHeld("call", role="champion"), NOON + DAY)
    after = book.decide(NOON + DAY).snapshot
    assert after is not None
    assert [one.id for one in after.findings] == ["single_threaded"]


def test_misfit_takes_weight_from_usage() -> None:
    book = Book(compiled(three_part_card()))
    book.use(NOON, actors=[f"u{n}" for n in range(10)])
    book.tell(inputs.SurveyAnswered("nps", 0), NOON)
    book.tell(inputs.TicketOpened("t", "p1"), NOON - 6 * DAY)
    before = book.decide(NOON).snapshot
    book.tell(people.UsageFitSet("dana", "no"), NOON)
    after = book.decide(NOON + SECOND).snapshot
    assert before is not None
    assert after is not None
    assert before.score == 50
    assert after.score == pytest.approx(100 * 12.5 / 62.5)


def test_attention_puts_the_sick_the_big_and_the_soon_to_renew_first() -> None:
    def attention(tickets: int, **facts: object) -> float:
        book = Book(compiled(support_card()), facts=inputs.AccountUpdated(name="A", **facts))  # type: ignore[arg-type]
        book.open_tickets(tickets, NOON)
        snapshot = book.decide(NOON).snapshot
        assert snapshot is not None
        return snapshot.attention

    assert attention(6) > attention(2) > attention(0)
    assert attention(4, arr=50_000_000) > attention(4, arr=1_000_000)
    assert attention(4, renews_on="2025-11-20") > attention(4, renews_on="2026-11-20")


def test_a_gravestone_stands_until_the_inputs_of_its_time_are_gone() -> None:
    book = Book(compiled(support_card()))
    calm(book)
    book.tell(people.ErasureRequested("account", "acme"), NOON + DAY)
    due_ms = book.decide(NOON + DAY).next_due_ms
    assert due_ms is not None
    assert book.decide(due_ms - 1).next_due_ms == due_ms
    assert dump(book.state) != {}
    assert book.decide(due_ms) == Decided()
    assert dump(book.state) == {}


def test_what_changes_for_everybody_right_after_a_decision_waits_a_second_and_no_day() -> None:
    book = Book(compiled(support_card()))
    book.decide(NOON)
    silent = {"tickets": NOON - DAY}
    asked = decide(book.state, book.definitions, offsets={}, now_ms=NOON + 10, silent=silent)
    assert (asked.snapshot, asked.next_due_ms) == (None, NOON + limits.PUBLISH_EVERY_MS)
    told = decide(book.state, book.definitions, offsets={}, now_ms=NOON + limits.PUBLISH_EVERY_MS, silent=silent)
    assert told.snapshot is not None
    assert told.snapshot.silent == ["tickets"]
