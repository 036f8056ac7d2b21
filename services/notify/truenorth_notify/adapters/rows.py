"""Rows of the database as the domain's own types."""

from typing import Any

import msgspec
from sqlalchemy import Row
from truenorth.events.work import AlertRaised

from truenorth_notify.domain.deliveries import Delivery
from truenorth_notify.domain.feed import FeedEntry
from truenorth_notify.ports import StoredAlert

_alerts = msgspec.json.Decoder(AlertRaised)


def stored_of(row: Row[Any]) -> StoredAlert:
    """Return a row of ``alert`` as the handlers know it."""
    return StoredAlert(_alerts.decode(row.payload), row.resolved_ms)


def delivery_of(row: Row[Any]) -> Delivery:
    """Return a row of ``delivery`` as the handlers know it."""
    return Delivery(
        delivery_id=row.delivery_id,
        alert_id=row.alert_id,
        account=row.account,
        channel=row.channel,
        recipient=row.recipient,
        address=row.address,
        about=row.about,
        status=row.status,
        reason=row.reason,
        attempts=row.attempts,
        next_attempt_ms=row.due_ms,
    )


def entry_of(row: Row[Any]) -> FeedEntry:
    """Return a row of ``feed_entry`` as the handlers know it."""
    return FeedEntry(
        alert_id=row.alert_id,
        recipient=row.recipient,
        state=row.state,
        revision=row.revision,
        changed_ms=row.changed_ms,
        by=row.by,
        until_ms=row.until_ms,
        not_useful=row.not_useful,
    )
