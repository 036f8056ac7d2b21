"""What `truenorth apply` says that definitions would do to the accounts as they stand."""

from collections.abc import AsyncGenerator

import msgspec
from truenorth.clock import ManualClock
from truenorth.definitions.apply import Preview, effects
from truenorth.definitions.model import Bundle, Definitions, Match, Milestone, Segment
from truenorth.errors import TransientError
from truenorth.events import inputs, people
from truenorth.kafka import Record
from truenorth.streams.records import entry_key
from truenorth_health.adapters.effects import Surveyor
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.effects import WORST_MAX, Effect, Effects, Stand, effect
from truenorth_health.domain.state import AccountState, dump, new_state

from tests.health.builders import DAY, HOUR, NOON, Book, compiled, support_card, three_part_card


def harsh_card(cost: int = 25) -> Compiled:
    """Every open ticket costs ``cost`` points, instead of ten."""
    card = support_card()
    measure = card.dimensions[0].measures[0]
    assert measure.linear is not None
    linear = msgspec.structs.replace(measure.linear, worst=100 / cost)
    changed = msgspec.structs.replace(measure, linear=linear)
    dimension = msgspec.structs.replace(card.dimensions[0], measures=[changed])
    return compiled(msgspec.structs.replace(card, dimensions=[dimension]), ordinal=2)


def book(tickets: int = 2) -> Book:
    made = Book(compiled(support_card()), facts=inputs.AccountUpdated(name="Acme", arr=20_000_000, tier="gold"))
    made.open_tickets(tickets, NOON - DAY)
    made.decide(NOON - HOUR)
    return made


def found(made: Book, proposed: Compiled, at_ms: int = NOON) -> Effect:
    got = effect(made.state, made.definitions, proposed, at_ms)
    assert got is not None
    return got


def lines(*found_effects: Effect) -> list[str]:
    total = Effects()
    for one in found_effects:
        total.add(one)
    return total.lines(seconds=1.0)


def test_a_harsher_scorecard_says_who_turns_worse_by_how_much_and_what_that_is_worth() -> None:
    assert lines(found(book(), harsh_card())) == [
        "1 account would go yellow; $200k ARR turn worse",
        "1 account would show another score",
        "  acme Acme: 80 green -> 50 yellow, $200k ARR",
        "1 account looked at in 1.0 s",
    ]


def test_the_passing_of_time_is_no_effect_of_definitions() -> None:
    quiet = Book(compiled(three_part_card()))
    quiet.use(NOON - DAY, actors=[f"a{number}" for number in range(10)])
    assert quiet.decide(NOON).snapshot is not None
    later = found(quiet, compiled(three_part_card(), ordinal=2), NOON + 13 * DAY)
    assert later.before == later.after
    assert lines(later)[0] == "no account would change its band"


def test_a_band_is_left_by_its_own_cut_from_where_the_account_stands() -> None:
    yellow = book(4)
    yellow.tell(inputs.TicketSolved("t2"), NOON)
    mild = found(yellow, compiled(support_card(), ordinal=2), NOON + 1)
    assert (mild.before.score, mild.before.band, mild.after.band) == (70.0, "yellow", "yellow")


def test_new_changed_and_removed_milestones_say_how_many_accounts_change_status() -> None:
    signed = inputs.AccountUpdated(name="Acme", signed_up_on="2025-11-01", tier="gold")
    first = Milestone(
        id="first-value", name="First value", count="events", need=2, start="signed_up_on", within_days=5, features=[]
    )
    made = Book(compiled(support_card()), facts=signed)
    made.use(NOON - 6 * DAY)
    made.decide(NOON - HOUR)
    new = compiled(support_card(), milestones=[first])
    assert "new milestone first-value: 1 missed" in lines(found(made, new))

    made.definitions = new
    easier = compiled(support_card(), milestones=[msgspec.structs.replace(first, need=1)])
    assert "milestone first-value: 1 missed -> reached" in lines(found(made, easier))
    gone = lines(found(made, compiled(support_card())))
    assert "milestone first-value would go: 1 account had it" in gone


def test_moves_between_segments_and_scorecards_are_counted() -> None:
    other = msgspec.structs.replace(support_card(), id="gold", segment="gold")
    proposed = compiled(other, support_card(), segments=[Segment(id="gold", name="Gold", match=Match(tier=["gold"]))])
    said = lines(found(book(), proposed))
    assert said[1:3] == ["1 account would change segment", "1 account would change scorecard"]


def test_accounts_that_are_not_scored_are_left_out() -> None:
    churned = book()
    churned.tell(inputs.AccountChurned(), NOON)
    erased = book()
    erased.tell(people.ErasureRequested("account", "acme"), NOON)
    for state in (new_state("nobody"), churned.state, erased.state):
        assert effect(state, compiled(support_card()), harsh_card(), NOON + DAY) is None


def test_the_first_definitions_make_nobody_worse() -> None:
    got = effect(book().state, None, harsh_card(), NOON)
    assert got is not None
    assert not got.is_worse
    assert lines(got)[0] == "1 account would go yellow"


def test_only_the_worst_are_named_reds_first() -> None:
    def one(number: int, after: float, band: str) -> Effect:
        return Effect(f"a{number:02}", "", 100, Stand(90.0, "green", "s"), Stand(after, band, "s"))

    many = [one(number, 60.0 - number, "yellow") for number in range(30)]
    said = lines(*many, one(99, 39.0, "red"))
    named = [line for line in said if line.startswith("  ")]
    assert len(named) == WORST_MAX
    assert named[0] == "  a99: 90 green -> 39 red, $1 ARR"
    assert named[1].startswith("  a29: 90 green -> 31 yellow")
    assert said[0] == "30 accounts would go yellow, 1 red; $31 ARR turn worse"


def changelog(states: list[AccountState]) -> list[Record]:
    records: list[Record] = []
    for state in states:
        for part, value in dump(state).items():
            records.append(Record("t", 0, len(records), entry_key(state.account, part), value, NOON))
    return records


async def test_the_changelog_is_read_and_what_cannot_be_read_is_counted() -> None:
    records = changelog([book().state])
    records.append(Record("t", 0, len(records), entry_key("broken", "accounts"), b"\xc1", NOON))

    async def read(topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        assert topic == AccountProcessor.changelog
        for record in records if partition == 0 else []:
            if record.offset >= start:
                yield record

    def none() -> Bundle | None:
        return None

    surveyor = Surveyor(read, AccountProcessor(CompiledDefinitions(none)), ManualClock(NOON))
    said = await surveyor.lines(compiled(support_card()), harsh_card(), partitions=2)
    assert said[0] == "1 account would go yellow; $200k ARR turn worse"
    assert said[-1] == "1 account could not be read; `truenorth verify` names what is wrong"
    assert await surveyor_of_nothing().lines(None, harsh_card(), partitions=2) == []


def surveyor_of_nothing() -> Surveyor:
    async def read(topic: str, partition: int, start: int = 0) -> AsyncGenerator[Record, None]:
        del topic, partition, start
        for record in list[Record]():
            yield record

    return Surveyor(read, AccountProcessor(CompiledDefinitions(lambda: None)), ManualClock(NOON))


async def test_a_preview_that_fails_is_told_and_stops_nobody() -> None:
    async def away(_bootstrap: str, _current: Bundle | None, _proposed: Definitions) -> list[str]:
        raise TransientError("the broker went away")

    async def fine(_bootstrap: str, _current: Bundle | None, _proposed: Definitions) -> list[str]:
        return ["2 accounts would go red"]

    previews: list[Preview] = [away, fine]
    assert await effects("nowhere", None, Definitions(), previews=previews) == [
        "the effect on the present state is not known: the broker went away",
        "2 accounts would go red",
    ]
