"""A sample event: what a back end would have posted."""

from collections.abc import Iterable
from dataclasses import dataclass

from truenorth.client.wire import NewEvent


@dataclass(frozen=True, slots=True)
class SampleEvent(NewEvent):
    """One event to post. ``row`` names what it came from (file and row number), so that a refusal finds back."""

    row: tuple[str, int] | None = None


def in_posting_order(events: Iterable[SampleEvent]) -> list[SampleEvent]:
    """Return the events account by account, each account's by time; equal times keep the order they were made in.

    An account whose past arrives in one go is judged once, not at every stage of a half-known past.
    """
    return sorted(events, key=lambda event: (event.account, event.time_ms))
