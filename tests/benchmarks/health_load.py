"""Topics of the whole job: accounts with their facts and four weeks behind them, then live traffic of all families.

Events are 200 to 250 bytes of JSON, spread over accounts as a `Shape` of the engine's benches says.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from truenorth.clock import MILLIS_PER_DAY, Clock, date_of_day, day_of
from truenorth.codec import encode_json, rfc3339
from truenorth.events import inputs
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.samples.book import FEATURES
from truenorth.topics import full_name

from tests.benchmarks.engine.load import Shape, account_id, accounts_in_turn

FAMILIES: Final = ("usage", "tickets", "billing", "surveys", "engagements")
DAYS: Final = 28
CHUNK: Final = 20_000
ROUND: Final = 100
"""Of so many events 92 are usage; the others come in this order, wherever their number falls in the round."""
_OTHERS: Final = ("tickets", "billing", "tickets", "surveys", "billing", "tickets", "engagements", "surveys")
_USAGE_OF_ROUND: Final = ROUND - len(_OTHERS)
_SOLD: Final = (("Basic", 12, 480_000), ("Pro", 40, 2_400_000), ("Enterprise", 120, 9_600_000))
"""Plan, seats and yearly revenue (cents) of every third account: all three sizes of the example segments."""
_NAMED: Final = tuple((feature, module) for module, features in FEATURES.items() for feature in features)
_ROLES: Final[tuple[inputs.Role, ...]] = ("champion", "sponsor", "economic_buyer", "admin", "end_user")
_INTENTS: Final[tuple[inputs.RenewalIntent, ...]] = tuple(
    inputs.RenewalIntent(intent=intent) for intent in ("renew", "expand", "undecided", "renew")
)


async def fill_facts(bootstrap: str, clock: Clock, shape: Shape) -> int:
    """Write what is known of every account of the shape; return how many records."""
    today, now_ms = day_of(clock.now_ms()), clock.now_ms()
    made = (
        _record("accounts", account_id(number), _facts(number, today), str(number), now_ms - DAYS * MILLIS_PER_DAY)
        for number in range(shape.accounts)
    )
    return await _send(bootstrap, clock, made)


async def fill_past(bootstrap: str, clock: Clock, shape: Shape, events: int) -> int:
    """Write so many events of the last four weeks, oldest first; return how many records."""
    made = events_of(shape, events, now_ms=clock.now_ms(), span_ms=DAYS * MILLIS_PER_DAY - 1_000, run="past")
    return await _send(bootstrap, clock, made)


async def fill_events(bootstrap: str, clock: Clock, shape: Shape, events: int) -> int:
    """Write so many events of the last minute, oldest first: live traffic; return how many records."""
    made = events_of(shape, events, now_ms=clock.now_ms(), span_ms=60_000, run="live")
    return await _send(bootstrap, clock, made)


def events_of(shape: Shape, events: int, *, now_ms: int, span_ms: int, run: str) -> Iterator[Outgoing]:
    """Yield the records of so many events, the same in every run but for their times and the name in their ids."""
    counts = dict.fromkeys(FAMILIES, 0)
    for number, place in enumerate(accounts_in_turn(shape, events)):
        in_round = number % ROUND
        family = "usage" if in_round < _USAGE_OF_ROUND else _OTHERS[in_round - _USAGE_OF_ROUND]
        counts[family] += 1
        account = account_id(place)
        data = _MAKE[family](counts[family], account)
        yield _record(family, account, data, f"{run}-{number}", now_ms - span_ms + number * span_ms // events)


async def _send(bootstrap: str, clock: Clock, made: Iterator[Outgoing]) -> int:
    producer = LanesProducer(bootstrap, clock=clock, client_id="bench-fill")
    await producer.start()
    sent = 0
    try:
        while chunk := list(itertools.islice(made, CHUNK)):
            await producer.send_many(chunk)
            sent += len(chunk)
    finally:
        await producer.stop()
    return sent


def _record(topic: str, account: str, payload: PayloadStruct, number: str, time_ms: int) -> Outgoing:
    """Return an event as a back end writes it to Kafka itself: what every CloudEvent needs, and no more."""
    event = {
        "specversion": "1.0",
        "id": f"{topic}-{number}",
        "source": "bench",
        "type": TYPE_OF_PAYLOAD[type(payload)],
        "subject": account,
        "time": rfc3339(time_ms),
        "data": payload,
    }
    return Outgoing(full_name(topic), account.encode(), encode_json(event))


def _facts(number: int, today: int) -> inputs.AccountUpdated:
    plan, seats, arr = _SOLD[number % len(_SOLD)]
    signed_up = date_of_day(today - 30 - number % 700).isoformat()
    return inputs.AccountUpdated(
        name=f"Account {number}",
        owner_id="dana.reyes",
        plan=plan,
        arr=arr,
        seats=seats,
        signed_up_on=signed_up,
        contract_starts_on=signed_up,
        renews_on=date_of_day(today + 1 + number % 365).isoformat(),
    )


def _usage(count: int, _account: str) -> PayloadStruct:
    feature, module = _NAMED[count * 7 % len(_NAMED)]
    return inputs.UsageRecorded(
        feature=feature,
        count=1 + count % 3,
        actor=f"user-{count % 977}",
        module=module,
    )


def _ticket(count: int, account: str) -> PayloadStruct:
    """A ticket's life is four events; with many accounts they belong to different ones, as in a real round of a day."""
    ticket = f"{account}-t{count // 4 % 50}"
    made: Sequence[PayloadStruct] = (
        inputs.TicketOpened(ticket_id=ticket, priority="p2", escalated=count % 3 == 0),
        inputs.TicketUpdated(ticket_id=ticket, first_response_minutes=count % 300),
        inputs.TicketSolved(ticket_id=ticket, first_response_minutes=count % 300),
        inputs.TicketRated(ticket_id=ticket, score=1.0 + count % 5),
    )
    return made[count % 4]


def _billing(count: int, account: str) -> PayloadStruct:
    invoice = f"{account}-i{count // 3 % 20}"
    made: Sequence[PayloadStruct] = (
        inputs.InvoiceIssued(invoice_id=invoice, amount=40_000),
        inputs.PaymentFailed(invoice_id=invoice, amount=40_000),
        inputs.InvoicePaid(invoice_id=invoice),
    )
    return made[count % 3]


def _survey(count: int, account: str) -> PayloadStruct:
    role = _ROLES[count % len(_ROLES)]
    if count % 3:
        return inputs.SurveyAnswered(kind="nps", score=count % 11, role=role, respondent=f"{account}-{role}")
    return inputs.SurveyAnswered(kind="ces", score=1 + count % 7, role=role, respondent=f"{account}-{role}")


def _engagement(count: int, account: str) -> PayloadStruct:
    role = _ROLES[count % len(_ROLES)]
    made: Sequence[PayloadStruct] = (
        inputs.EngagementHeld(kind="call", role=role, contact=f"{account}-{role}", answered=count % 5 > 0),
        inputs.ObjectiveSet(objective_id="hours-saved", target=1_000.0, unit="hours"),
        inputs.ValueRecorded(amount=float(count % 40), unit="hours", objective_id="hours-saved", by="customer"),
        _INTENTS[count % len(_INTENTS)],
        inputs.EngagementHeld(kind="review", role="sponsor", contact=f"{account}-sponsor"),
    )
    return made[count % 5]


_MAKE: Final[dict[str, Callable[[int, str], PayloadStruct]]] = {
    "usage": _usage,
    "tickets": _ticket,
    "billing": _billing,
    "surveys": _survey,
    "engagements": _engagement,
}
