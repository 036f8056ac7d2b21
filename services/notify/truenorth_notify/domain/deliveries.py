"""The life of a delivery: one alert, one channel, one recipient.

::

    pending ──sent──────────────▶ delivered
       │ ──failed, tries left──▶ pending (later)
       │ ──failed, none left───▶ failed
       └ ──no longer wanted────▶ not_sent          (also from the start, with the reason)
"""

from dataclasses import dataclass
from typing import Final, Literal

from truenorth.definitions.model import Definitions
from truenorth.events.work import AlertRaised
from truenorth.ids import derived_id

from truenorth_notify.domain.retry import SCHEDULE_S, next_attempt_ms
from truenorth_notify.domain.routing import Channel, Target

Status = Literal["pending", "delivered", "failed", "not_sent"]
About = Literal["raised", "resolved"]

NEWS_AGE_MAX_MS: Final = 24 * 3_600_000
"""A decision older than this when it is read is recorded and told to nobody."""

CLEARED: Final = "cleared_before_send"
"""The alert was over before this delivery went out, so it never does."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery as it is to be stored. ``next_attempt_ms`` is set exactly while it is pending."""

    delivery_id: str
    alert_id: str
    account: str
    channel: Channel
    recipient: str
    address: str
    about: About
    status: Status
    reason: str
    attempts: int
    next_attempt_ms: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt.

    ``kind``: ``delivered``; ``retry`` (it may work later); ``refused`` (it never will). ``error`` is for
    people, short. ``disables``: the receiver asked never to be called at this address again.
    """

    kind: Literal["delivered", "retry", "refused"]
    error: str = ""
    retry_after_s: float | None = None
    disables: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a delivery stands after an attempt."""

    status: Status
    reason: str
    attempts: int
    next_attempt_ms: int | None


def silence_of(alert: AlertRaised, *, backfill: bool, now_ms: int) -> str:
    """Return why nobody is told of this alert (``old_news``, ``backfill``), or nothing."""
    if backfill:
        return "backfill"
    return "old_news" if now_ms - alert.decided_ms > NEWS_AGE_MAX_MS else ""


def plan(alert: AlertRaised, target: Target, *, silence: str, now_ms: int) -> Delivery:
    """Return the first state of the delivery of an alert to a target; in-app needs no attempt of its own."""
    reason = silence or target.refusal
    status: Status = "not_sent" if reason else "delivered" if target.channel == "inapp" else "pending"
    return Delivery(
        delivery_id=derived_id("delivery", alert.alert_id, target.channel, target.recipient),
        alert_id=alert.alert_id,
        account=alert.account,
        channel=target.channel,
        recipient=target.recipient,
        address=target.address,
        about="raised",
        status=status,
        reason=reason,
        attempts=1 if status == "delivered" else 0,
        next_attempt_ms=now_ms if status == "pending" else None,
    )


def plan_resolved(announced: Delivery, *, now_ms: int) -> Delivery | None:
    """Return the message that an announced alert is over; only webhooks get one, and only after the first."""
    if announced.channel != "webhook" or announced.about != "raised" or announced.status != "delivered":
        return None
    return Delivery(
        delivery_id=derived_id("delivery", announced.alert_id, "webhook", announced.recipient, "resolved"),
        alert_id=announced.alert_id,
        account=announced.account,
        channel="webhook",
        recipient=announced.recipient,
        address=announced.address,
        about="resolved",
        status="pending",
        reason="",
        attempts=0,
        next_attempt_ms=now_ms,
    )


def address_now(delivery: Delivery, definitions: Definitions | None) -> str:
    """Return where a delivery goes by the definitions of today; empty when its recipient is no longer in them."""
    if definitions is None:
        return delivery.address
    if delivery.channel == "webhook":
        return next((hook.url for hook in definitions.webhooks if hook.id == delivery.recipient), "")
    return next((person.email for person in definitions.people if person.id == delivery.recipient), "")


def why_not(delivery: Delivery, address: str, *, is_over: bool, is_disabled: bool) -> str:
    """Return why a delivery that is due is not to be sent after all, or nothing."""
    if delivery.about == "raised" and is_over:
        return CLEARED
    if not address:
        return "recipient_gone"
    return "endpoint_disabled" if is_disabled else ""


def judge(outcome: Outcome, *, attempts: int, ended_ms: int, schedule_s: tuple[int, ...] = SCHEDULE_S) -> Verdict:
    """Return how a delivery stands once attempt number ``attempts`` has ended this way."""
    if outcome.kind == "delivered":
        return Verdict("delivered", "", attempts, None)
    if outcome.kind == "refused":
        return Verdict("failed", outcome.error, attempts, None)
    again_ms = next_attempt_ms(
        attempts=attempts, failed_ms=ended_ms, schedule_s=schedule_s, retry_after_s=outcome.retry_after_s
    )
    return Verdict("failed" if again_ms is None else "pending", outcome.error, attempts, again_ms)
