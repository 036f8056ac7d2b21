"""However much is sent for one account, and by whomever: its state has an upper bound."""

from collections.abc import Iterator

from truenorth.events import inputs, people
from truenorth.events.payload import PayloadStruct
from truenorth.kafka.records import RECORD_BYTES_MAX
from truenorth.streams.seen import PAGE_ENTRIES, PAGES, SEEN_IDS
from truenorth.streams.seen_ids import SeenIds
from truenorth.topics import HEALTH_SOURCES
from truenorth_health.domain import limits
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import dump, new_state

from tests.health.builders import DAY, NOON, event, source_of
from tests.shared.test_streams_seen import fresh

ACCOUNT_BYTES_MAX = 8 * 1024 * 1024
"""What docs/operations/stream-engine.md promises."""

WIDEST = 2**62


def name(kind: str, number: int) -> str:
    """A name as long as the contract lets it be."""
    return f"{kind}{number}".ljust(128, "x")


def usage() -> Iterator[PayloadStruct]:
    for number in range(limits.FEATURES_MAX + 50):
        module = name("m", number % (limits.MODULES_MAX + 10))
        yield inputs.UsageRecorded(name("f", number), count=10**9, actor=name("a", number), module=module)


def actors() -> Iterator[PayloadStruct]:
    for number in range(limits.ACTORS_MAX + 50):
        yield inputs.UsageRecorded("f", actor=name("a", number))


def tickets() -> Iterator[PayloadStruct]:
    for number in range(limits.TICKETS_MAX + 50):
        ticket = name("t", number)
        yield inputs.TicketOpened(ticket, "p1", escalated=True)
        yield inputs.TicketUpdated(ticket, first_response_minutes=limits.RESPONSE_MINUTES_MAX)
        yield inputs.TicketRated(ticket, 4.25)
        for _ in range(limits.TICKET_MOVES_MAX):
            yield inputs.TicketSolved(ticket)
            yield inputs.TicketReopened(ticket)


def billing() -> Iterator[PayloadStruct]:
    for number in range(limits.INVOICES_MAX + 50):
        yield inputs.InvoiceOverdue(name("i", number), 10**15, "2026-01-01")
    for number in range(limits.FAILED_PAYMENTS_MAX + 50):
        yield inputs.PaymentFailed(name("i", number))
    for number in range(limits.SUBSCRIPTIONS_MAX + 20):
        ident = name("s", number)
        yield inputs.SubscriptionStarted(ident, name("p", number), 10**7, 10**15, renews_on="2026-01-01")
    for number in range(limits.SUBSCRIPTIONS_MAX):
        for _ in range(limits.SPELLS_MAX):
            yield inputs.SubscriptionEnded(name("s", number))
            yield inputs.SubscriptionStarted(name("s", number), name("p", number), 10**7, 10**15)
        for step in range(limits.ARR_STEPS_MAX + 2):
            yield inputs.SubscriptionChanged(name("s", number), seats=10**7 - step, arr=10**15 - step)


def people_said() -> Iterator[PayloadStruct]:
    for number in range(limits.ANSWERS_MAX + 50):
        yield inputs.SurveyAnswered("nps", 9.25, "economic_buyer", name("r", number))
        yield inputs.SurveyAnswered("csat", 4.25, "economic_buyer", name("r", number))
        yield inputs.SurveyAnswered("ces", 4.25, "economic_buyer", name("r", number))
    for number in range(limits.ENGAGEMENT_KEYS_MAX + 50):
        yield inputs.ObjectiveSet(name("o", number), 1e300, name("u", number))
        yield inputs.AdvocacyRecorded(name("k", number))
        for unit in range(limits.UNITS_PER_OBJECTIVE_MAX + 1):
            yield inputs.ValueRecorded(-1e300, name("u", unit), name("o", number), "customer")
    for number in range(limits.ENGAGEMENTS_MAX + 50):
        yield inputs.EngagementHeld("training", True, "economic_buyer", name("c", number))
    for number in range(limits.DEPARTURES_MAX + 50):
        yield inputs.ChampionLeft(name("c", number), "economic_buyer")
    for number in range(limits.ADVOCACIES_MAX + 50):
        yield inputs.AdvocacyRecorded(name("k", number))
    text = "x" * 2_000
    yield people.PulseSet(name("b", 1), 5, text)
    yield people.OverrideSet(name("b", 1), text, 50.5, WIDEST)
    yield people.UsageFitSet(name("b", 1), "yes", text)
    yield people.EssentialSet(name("b", 1), 5, text)
    for number in range(limits.ERASED_MEMBERS_MAX + 50):
        yield people.ErasureRequested("contact", name("e", number))


def facts() -> Iterator[PayloadStruct]:
    links = {name("l", number): "x" * 1_000 for number in range(20)}
    modules = [name("m", number) for number in range(200)]
    text = name("n", 0)
    features = [name("f", number) for number in range(500)]
    told = (text, text, text, text, text, text, text)
    yield inputs.AccountUpdated(*told, links=links, modules=modules, features=features)
    for step in range(limits.ARR_STEPS_MAX + 5):
        yield inputs.AccountUpdated(arr=10**15 - step, seats=10**7 - step)


def test_one_account_never_grows_beyond_its_bound() -> None:
    state = new_state("acme")
    number = 0

    def tell(payload: PayloadStruct, at_ms: int) -> None:
        nonlocal number
        number += 1
        one = event(payload, at_ms, name("e", number))
        fold(state, source_of(one), one, at_ms)

    for payload in [*facts(), *actors(), *tickets(), *billing(), *people_said()]:
        tell(payload, NOON + number)
    for day in range(limits.USAGE_DAYS_KEPT + 5):
        for payload in usage():
            tell(payload, NOON + day * DAY)
    sizes = {part: len(value) for part, value in dump(state).items()}
    assert max(sizes.values()) < RECORD_BYTES_MAX, sizes
    seen = SeenIds(len(HEALTH_SOURCES))
    for source in range(len(HEALTH_SOURCES)):
        fresh(seen, "acme", range(SEEN_IDS + 2 * PAGE_ENTRIES * PAGES), source=source)
    assert sum(sizes.values()) + seen.bytes < ACCOUNT_BYTES_MAX, (sizes, seen.bytes)
