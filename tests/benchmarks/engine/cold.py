"""Accounts that hardly anything happens to: their facts, some usage, a ticket and an invoice each."""

from collections.abc import Iterator

from truenorth.clock import MILLIS_PER_DAY, SystemClock
from truenorth.codec import encode
from truenorth.events.inputs import AccountUpdated, InvoiceIssued, TicketOpened, UsageRecorded
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth.topics import full_name

USAGE_EVENTS = 4
EVENTS = USAGE_EVENTS + 3
ACCOUNTS_AT_ONCE = 2_000


def account_id(number: int) -> str:
    """Return the id of the ``number``-th account, as long as a real one."""
    return f"customer-{number:08d}"


def records(number: int, now_ms: int) -> Iterator[Outgoing]:
    """Yield all that happened to the ``number``-th account over the last four weeks."""
    account = account_id(number)

    def one(topic: str, payload: PayloadStruct, what: str, days_ago: int) -> Outgoing:
        time_ms = now_ms - days_ago * MILLIS_PER_DAY - 1000
        value = encode(payload, event_id=f"{account}-{what}", source="bench", account=account, time_ms=time_ms)
        return Outgoing(full_name(topic), account.encode(), value)

    facts = AccountUpdated(
        name=f"Customer {number}", owner_id=f"csm-{number % 50}", arr=2_400_000, seats=40, modules=["a", "b"]
    )
    yield one("accounts", facts, "facts", 28)
    for n in range(USAGE_EVENTS):
        usage = UsageRecorded(feature=f"feature-{(number + n) % 40}", actor=f"user-{n % 2}", module="a")
        yield one("usage", usage, f"usage-{n}", 24 - 6 * n)
    yield one("tickets", TicketOpened(ticket_id=f"ticket-{number}"), "ticket", 10)
    yield one("billing", InvoiceIssued(invoice_id=f"invoice-{number}", amount=200_000), "invoice", 5)


async def fill(bootstrap: str, accounts: int, *, now_ms: int) -> None:
    """Write everything of ``accounts`` accounts."""
    producer = LanesProducer(bootstrap, clock=SystemClock(), client_id="bench-cold")
    await producer.start()
    try:
        for first in range(0, accounts, ACCOUNTS_AT_ONCE):
            numbers = range(first, min(first + ACCOUNTS_AT_ONCE, accounts))
            await producer.send_many([record for number in numbers for record in records(number, now_ms)])
    finally:
        await producer.stop()
