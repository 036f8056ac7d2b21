"""A sample event: what a back end would have posted."""

from collections.abc import Iterable
from dataclasses import dataclass

from truenorth import codec
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct


@dataclass(frozen=True, slots=True)
class SampleEvent:
    """One event to post. ``row`` names what it came from (file and row number), so that a refusal finds back."""

    id: str
    account: str
    time_ms: int
    data: PayloadStruct
    backfill: bool = False
    row: tuple[str, int] | None = None

    def cloud_event(self, source: str) -> dict[str, object]:
        """Return the CloudEvents form, ready for the codec."""
        event: dict[str, object] = {
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": TYPE_OF_PAYLOAD[type(self.data)],
            "subject": self.account,
            "time": codec.rfc3339(self.time_ms),
            "data": self.data,
        }
        if self.backfill:
            event["backfill"] = True
        return event


def in_posting_order(events: Iterable[SampleEvent]) -> list[SampleEvent]:
    """Return the events account by account, each account's by time; equal times keep the order they were made in.

    An account whose past arrives in one go is judged once, not at every stage of a half-known past.
    """
    return sorted(events, key=lambda event: (event.account, event.time_ms))
