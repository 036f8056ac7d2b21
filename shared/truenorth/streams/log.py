"""The log as the engine sees it; `truenorth.kafka.log` and `truenorth.streams.memory` are such logs.

Whatever passes by itself is a `TransientError`. All offsets are "next" offsets or exclusive ends, except where a
record's own offset is meant. Readers see committed records only.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from truenorth.kafka.records import Record

Place = tuple[str, int]
"""Full topic name and partition number."""


class Entry(NamedTuple):
    """One record to write into a partition that is already chosen."""

    key: bytes | None
    value: bytes | None


class Writer(Protocol):
    """The one writer of a transactional id; opening another with the same id shuts this one out for good."""

    async def commit(self, entries: Mapping[Place, Sequence[Entry]]) -> Mapping[Place, int]:
        """Write everything in one transaction and return the offset of the last record of each place.

        After any exception it is not known whether it happened, and the writer must not be used again.

        Raises:
            TransientError: it failed, was not answered in time, or another writer took over.
            HaltError: it can never succeed.
        """
        ...

    async def close(self) -> None:
        """Give the writer up at once, with whatever it had open."""
        ...


class Reader(Protocol):
    """A member of a group that reads its share of the topics from positions it is told."""

    @property
    def generation(self) -> int:
        """A number that rises with every change of the assignment."""
        ...

    @property
    def assignment(self) -> frozenset[Place] | None:
        """The places this member owns; None while the group is finding out."""
        ...

    async def poll(self, wait_s: float, records_max: int) -> Mapping[Place, Sequence[Record]]:
        """Return what comes next in the begun places, waiting at most about ``wait_s`` for something.

        Raises:
            HaltError: a position lies outside of what the log holds.
        """
        ...

    def begin(self, place: Place, offset: int) -> None:
        """Read an assigned place from ``offset`` on. Nothing is delivered from a place before it is begun."""
        ...

    def pause(self, places: Sequence[Place]) -> None:
        """Deliver nothing of these places for now."""
        ...

    def resume(self, places: Sequence[Place]) -> None:
        """Go on with paused places."""
        ...

    async def positions(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Return the next offsets; they also pass over what holds no record. A place not begun is left out."""
        ...

    async def ends(self, places: Sequence[Place]) -> Mapping[Place, int]:
        """Ask the broker for the ends of these places."""
        ...

    async def show(self, positions: Mapping[Place, int]) -> None:
        """Publish positions as the group's offsets, for lag displays; nothing is ever read back from there."""
        ...

    async def close(self) -> None:
        """Leave the group."""
        ...


class Log(Protocol):
    """Where the engine's topics are."""

    async def partition_counts(self, topics: Sequence[str]) -> Mapping[str, int]:
        """Return how many partitions each topic (full name) has."""
        ...

    async def spans(self, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        """Return the first offset there is and the end of each place."""
        ...

    async def open_writer(self, transactional_id: str) -> Writer:
        """Return a new writer; the earlier one of this id is shut out, and what it had open is undone, by then."""
        ...

    def read_through(self, place: Place, last: int) -> AsyncIterator[Sequence[Record]]:
        """Yield all committed records of a place in order, until the one at offset ``last`` has been passed."""
        ...

    async def join(self, group: str, topics: Sequence[str], member: str | None) -> Reader:
        """Join a group as a reader of these topics; ``member`` is a static member name that survives restarts."""
        ...
