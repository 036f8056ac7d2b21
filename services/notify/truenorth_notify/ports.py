"""What the handlers need from outside, as they see it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from truenorth.events.payload import PayloadStruct
from truenorth.events.work import AlertRaised

from truenorth_notify.domain.deliveries import Delivery, Outcome, Verdict
from truenorth_notify.domain.feed import FeedEntry


@dataclass(frozen=True, slots=True)
class Outbound:
    """An event that leaves with the transaction it was made in. ``topic`` is the catalogue's short name."""

    topic: str
    event_id: str
    account: str
    time_ms: int
    payload: PayloadStruct


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """An alert that was read. ``resolved_ms`` is None while its condition holds."""

    alert: AlertRaised
    resolved_ms: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: when it began (epoch ms), how long it took (ms), and what came of it."""

    delivery_id: str
    number: int
    started_ms: int
    took_ms: int
    outcome: str
    error: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery this process holds until its lease ends.

    ``lease`` is the token of this holding. ``resolved_ms``: the alert is over since then. ``repeat``: an
    earlier holder never reported back, so this try may be the second to arrive. ``disabled``: endpoints, with the
    address, that asked never to be called again.
    """

    delivery: Delivery
    alert: AlertRaised
    resolved_ms: int | None
    lease: str
    repeat: bool
    disabled: frozenset[tuple[str, str]] = frozenset()

    @property
    def attempt(self) -> int:
        """The number of this try, from 1; claiming counted it, so that a try that crashed counts as well."""
        return self.delivery.attempts

    @property
    def happened_ms(self) -> int:
        """When that happened which the delivery is about."""
        if self.delivery.about == "resolved" and self.resolved_ms is not None:
            return self.resolved_ms
        return self.alert.raised_ms


class UnitOfWork(Protocol):
    """One transaction. Everything written through it is committed together, or not at all."""

    async def add_alert(self, alert: AlertRaised, *, read_ms: int) -> bool:
        """Store an alert; False when it is known already (then nothing was written)."""
        ...

    async def lock_alert(self, alert_id: str) -> StoredAlert | None:
        """Return an alert and hold it until the transaction ends: changes of one alert follow each other."""
        ...

    async def lock_alerts_of_task(self, task_id: str) -> Sequence[StoredAlert]:
        """Return the alerts that link this task, held like `lock_alert`."""
        ...

    async def set_resolved(self, alert_id: str, resolved_ms: int) -> None:
        """Note that the condition of an alert is over."""
        ...

    async def add_delivery(self, delivery: Delivery, *, now_ms: int) -> None:
        """Store a delivery; nothing happens when this alert, channel, recipient and subject has one already."""
        ...

    async def deliveries_of(self, alert_id: str) -> Sequence[Delivery]:
        """Return all deliveries of an alert."""
        ...

    async def withdraw(self, delivery_id: str, *, reason: str, now_ms: int) -> bool:
        """Turn a pending delivery that nobody holds into ``not_sent``; False when it was too late."""
        ...

    async def settle(self, claimed: Claimed, verdict: Verdict, *, now_ms: int) -> bool:
        """Store what came of a claimed delivery and let go of it; False when the lease is another's by now."""
        ...

    async def add_attempt(self, attempt: Attempt) -> None:
        """Store one try."""
        ...

    async def feed_entries(self, alert_id: str) -> Sequence[FeedEntry]:
        """Return the entries of an alert, held until the transaction ends."""
        ...

    async def put_feed_entry(self, entry: FeedEntry, *, account: str) -> None:
        """Store an entry as it is now."""
        ...

    async def snoozed_until(self, now_ms: int, *, limit_entries: int) -> Sequence[FeedEntry]:
        """Return snoozed entries whose time has come, held, skipping those that others hold."""
        ...

    async def disable_endpoint(self, webhook_id: str, url: str, *, now_ms: int) -> None:
        """Remember that this endpoint asked never to be called at this address again."""
        ...

    async def publish(self, outbound: Outbound) -> None:
        """Put an event into the outbox."""
        ...


class Sender(Protocol):
    """One channel's way out."""

    async def send(self, claimed: Claimed) -> Outcome:
        """Try once. Never raises for what the other side does: that is an outcome."""
        ...


class UnitsOfWork(Protocol):
    """Where transactions come from: ``async with units() as uow`` commits at the end, rolls back on an error."""

    def __call__(self) -> AbstractAsyncContextManager[UnitOfWork]:
        """Begin one."""
        ...


class Tally(Protocol):
    """What operations want counted."""

    def alert(self, result: str) -> None:
        """Count an alert as ``announced``, ``old_news``, ``backfill`` or ``known``."""
        ...

    def delivery(self, channel: str, status: str, reason: str) -> None:
        """Count a delivery that reached this status."""
        ...

    def attempt(self, channel: str, outcome: str, *, took_s: float) -> None:
        """Count one try and how long it took."""
        ...

    def handed_over(self, channel: str, *, after_s: float) -> None:
        """Note how long after the decision an alert was handed to its channel."""
        ...

    def repeat(self, channel: str) -> None:
        """Count a try that may be the second to arrive, for an earlier one never reported back."""
        ...

    def lease_lost(self, channel: str) -> None:
        """Count a try that took longer than its lease."""
        ...

    def action(self, kind: str, result: str) -> None:
        """Count what a person did as ``moved``, ``unchanged`` or ``unknown_alert``."""
        ...
