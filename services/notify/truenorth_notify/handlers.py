"""What notify does with what it reads (`Intake`) and with what it has to send (`Dispatch`)."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from truenorth.clock import MILLIS_PER_SECOND, Clock
from truenorth.definitions.model import Definitions
from truenorth.errors import TransientError
from truenorth.events.envelope import Event
from truenorth.events.people import AlertAcknowledged, AlertDone, AlertNotUseful, AlertSnoozed, TaskDone
from truenorth.events.work import AlertRaised, AlertResolved, DeliveryChanged
from truenorth.ids import derived_id

from truenorth_notify.domain import deliveries, feed
from truenorth_notify.domain.deliveries import Delivery, Outcome, Verdict
from truenorth_notify.domain.retry import SCHEDULE_S
from truenorth_notify.domain.routing import Channel, targets_of
from truenorth_notify.ports import Attempt, Claimed, Outbound, Sender, StoredAlert, Tally, UnitOfWork, UnitsOfWork

DefinitionsNow = Callable[[], Definitions | None]

SNOOZED_BATCH_ENTRIES: Final = 100
SETTLE_WAITS_S: Final = (0.2, 1.0, 5.0, 15.0)
"""A try that was made is worth waiting for the database: losing its outcome means sending again."""


class Intake:
    """Folds alerts and what people do into deliveries and feed entries, inside the caller's transaction."""

    def __init__(
        self, *, definitions: DefinitionsNow, channels_on: frozenset[Channel], clock: Clock, tally: Tally
    ) -> None:
        self._definitions = definitions
        self._channels_on = channels_on
        self._clock = clock
        self._tally = tally

    async def take(self, uow: UnitOfWork, event: Event) -> None:
        """Apply one event; events that are not for notify change nothing.

        Raises:
            TransientError: an alert came before the first definitions.
        """
        data = event.data
        if isinstance(data, AlertRaised):
            await self._raised(uow, data, backfill=event.backfill)
        elif isinstance(data, AlertResolved):
            await self._resolved(uow, data)
        elif isinstance(data, AlertAcknowledged | AlertSnoozed | AlertDone | AlertNotUseful):
            stored = await uow.lock_alert(data.alert_id)
            await self._acted(uow, event.type, [stored] if stored else [], data)
        elif isinstance(data, TaskDone):
            await self._acted(uow, event.type, list(await uow.lock_alerts_of_task(data.task_id)), data)

    async def wake_snoozed(self, uow: UnitOfWork) -> int:
        """Open the snoozed entries whose time has come; returns how many there were."""
        now_ms = self._clock.now_ms()
        entries = await uow.snoozed_until(now_ms, limit_entries=SNOOZED_BATCH_ENTRIES)
        for entry in entries:
            stored = await uow.lock_alert(entry.alert_id)
            moved = feed.after_snooze(entry, now_ms=now_ms)
            if stored and moved:
                await _put_entry(uow, stored.alert, moved)
        return len(entries)

    async def _raised(self, uow: UnitOfWork, alert: AlertRaised, *, backfill: bool) -> None:
        definitions = self._definitions()
        if definitions is None:
            raise TransientError("an alert is waiting, and no definitions have been applied yet")
        now_ms = self._clock.now_ms()
        if not await uow.add_alert(alert, read_ms=now_ms):
            self._tally.alert("known")
            return
        silence = deliveries.silence_of(alert, backfill=backfill, now_ms=now_ms)
        self._tally.alert(silence or "announced")
        for target in targets_of(alert, definitions, self._channels_on):
            delivery = deliveries.plan(alert, target, silence=silence, now_ms=now_ms)
            await _add(uow, delivery, now_ms, self._tally)
            if delivery.channel == "inapp" and delivery.status == "delivered":
                await uow.add_attempt(Attempt(delivery.delivery_id, 1, now_ms, 0, "delivered", ""))
                await _put_entry(uow, alert, feed.opened(alert, delivery.recipient, now_ms=now_ms))
                self._tally.handed_over("inapp", after_s=(now_ms - alert.decided_ms) / MILLIS_PER_SECOND)

    async def _resolved(self, uow: UnitOfWork, resolved: AlertResolved) -> None:
        stored = await uow.lock_alert(resolved.alert_id)
        if stored is None or stored.resolved_ms is not None:
            return
        now_ms = self._clock.now_ms()
        await uow.set_resolved(resolved.alert_id, resolved.resolved_ms)
        for entry in await uow.feed_entries(resolved.alert_id):
            moved = feed.after_resolution(entry, resolved, now_ms=now_ms)
            if moved:
                await _put_entry(uow, stored.alert, moved)
        for delivery in await uow.deliveries_of(resolved.alert_id):
            over = deliveries.plan_resolved(delivery, now_ms=now_ms)
            if over:
                await _add(uow, over, now_ms, self._tally)
            elif delivery.status == "pending" and await uow.withdraw(
                delivery.delivery_id, reason=deliveries.CLEARED, now_ms=now_ms
            ):
                withdrawn = replace(delivery, status="not_sent", reason=deliveries.CLEARED, next_attempt_ms=None)
                await _tell(uow, withdrawn, now_ms, self._tally)

    async def _acted(self, uow: UnitOfWork, kind: str, alerts: list[StoredAlert], action: feed.Action) -> None:
        now_ms = self._clock.now_ms()
        result = "unchanged" if alerts else "unknown_alert"
        for stored in alerts:
            for entry in await uow.feed_entries(stored.alert.alert_id):
                moved = feed.after_action(entry, action, now_ms=now_ms)
                if moved:
                    result = "moved"
                    await _put_entry(uow, stored.alert, moved)
        self._tally.action(kind, result)


class Dispatch:
    """Makes one attempt at a claimed delivery and stores what came of it."""

    def __init__(
        self,
        *,
        units: UnitsOfWork,
        senders: Mapping[Channel, Sender],
        definitions: DefinitionsNow,
        clock: Clock,
        tally: Tally,
        schedule_s: tuple[int, ...] = SCHEDULE_S,
    ) -> None:
        self._units = units
        self._senders = senders
        self._definitions = definitions
        self._clock = clock
        self._tally = tally
        self._schedule_s = schedule_s

    async def attempt(self, claimed: Claimed) -> None:
        """Look again whether it is still wanted and where it goes, try once, settle it."""
        if claimed.repeat:
            self._tally.repeat(claimed.delivery.channel)
        address = deliveries.address_now(claimed.delivery, self._definitions())
        why_not = deliveries.why_not(
            claimed.delivery,
            address,
            is_over=claimed.resolved_ms is not None,
            is_disabled=(claimed.delivery.recipient, address) in claimed.disabled,
        )
        if why_not:
            await self._settle(claimed, Verdict("not_sent", why_not, claimed.attempt - 1, None), None)
            return
        claimed = replace(claimed, delivery=replace(claimed.delivery, address=address))
        started_ms, started = self._clock.now_ms(), self._clock.monotonic()
        outcome = await self._senders[claimed.delivery.channel].send(claimed)
        took_s = self._clock.monotonic() - started
        self._tally.attempt(claimed.delivery.channel, outcome.kind, took_s=took_s)
        verdict = deliveries.judge(
            outcome, attempts=claimed.attempt, ended_ms=self._clock.now_ms(), schedule_s=self._schedule_s
        )
        tried = Attempt(
            claimed.delivery.delivery_id,
            claimed.attempt,
            started_ms,
            round(took_s * MILLIS_PER_SECOND),
            outcome.kind,
            outcome.error,
        )
        await self._settle(claimed, verdict, (tried, outcome))

    async def _settle(self, claimed: Claimed, verdict: Verdict, tried: tuple[Attempt, Outcome] | None) -> None:
        for wait_s in SETTLE_WAITS_S:
            try:
                await self._settle_once(claimed, verdict, tried)
            except TransientError:
                await self._clock.sleep(wait_s)
            else:
                return
        await self._settle_once(claimed, verdict, tried)

    async def _settle_once(self, claimed: Claimed, verdict: Verdict, tried: tuple[Attempt, Outcome] | None) -> None:
        now_ms = self._clock.now_ms()
        delivery = replace(
            claimed.delivery,
            status=verdict.status,
            reason=verdict.reason,
            attempts=verdict.attempts,
            next_attempt_ms=verdict.next_attempt_ms,
        )
        async with self._units() as uow:
            stored = await uow.lock_alert(delivery.alert_id)
            if not await uow.settle(claimed, verdict, now_ms=now_ms):
                self._tally.lease_lost(delivery.channel)
                return
            if tried:
                await uow.add_attempt(tried[0])
                if tried[1].disables:
                    await uow.disable_endpoint(delivery.recipient, delivery.address, now_ms=now_ms)
            await _tell(uow, delivery, now_ms, self._tally)
            over = deliveries.plan_resolved(delivery, now_ms=now_ms) if stored and stored.resolved_ms else None
            if over:
                await _add(uow, over, now_ms, self._tally)
        if delivery.status == "delivered" and delivery.about == "raised":
            after_s = (now_ms - claimed.alert.decided_ms) / MILLIS_PER_SECOND
            self._tally.handed_over(delivery.channel, after_s=after_s)


async def _add(uow: UnitOfWork, delivery: Delivery, now_ms: int, tally: Tally) -> None:
    await uow.add_delivery(delivery, now_ms=now_ms)
    await _tell(uow, delivery, now_ms, tally)


async def _tell(uow: UnitOfWork, delivery: Delivery, now_ms: int, tally: Tally) -> None:
    tally.delivery(delivery.channel, delivery.status, delivery.reason if delivery.status == "not_sent" else "")
    changed = DeliveryChanged(
        delivery_id=delivery.delivery_id,
        alert_id=delivery.alert_id,
        account=delivery.account,
        channel=delivery.channel,
        recipient=delivery.recipient,
        status=delivery.status,
        attempts=delivery.attempts,
        changed_ms=now_ms,
        reason=delivery.reason,
    )
    event_id = derived_id("delivery.changed", delivery.delivery_id, delivery.status, str(delivery.attempts))
    await uow.publish(Outbound("deliveries", event_id, delivery.account, now_ms, changed))


async def _put_entry(uow: UnitOfWork, alert: AlertRaised, entry: feed.FeedEntry) -> None:
    await uow.put_feed_entry(entry, account=alert.account)
    event_id = derived_id("feed.changed", entry.alert_id, entry.recipient, str(entry.revision))
    await uow.publish(Outbound("feed", event_id, alert.account, entry.changed_ms, feed.published(entry, alert)))
