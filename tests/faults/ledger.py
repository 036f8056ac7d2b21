"""What was accepted, by account: the books that what the workers keep is held against."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from truenorth import codec
from truenorth.events.payload import PayloadStruct
from truenorth.kafka import Outgoing
from truenorth.topics import full_name

SOURCE = "faults"

Tally = Literal["usage", "value", "note", "answer", ""]


class Sent(NamedTuple):
    """One event on its way. ``tally`` says which of the account's counters it moves, ``thing`` which id it leaves."""

    topic: str
    account: str
    event_id: str
    payload: PayloadStruct
    time_ms: int
    tally: Tally = ""
    thing: str = ""

    def outgoing(self) -> Outgoing:
        """Return its record; the same bytes each time."""
        value = codec.encode(
            self.payload, event_id=self.event_id, source=SOURCE, account=self.account, time_ms=self.time_ms
        )
        return Outgoing(full_name(self.topic), self.account.encode(), value)


@dataclass
class Book:
    """What one account's state must say."""

    tallies: Counter[str] = field(default_factory=Counter)
    things: set[str] = field(default_factory=set)


class Ledger:
    """Every acknowledged event once, however often it was sent."""

    def __init__(self) -> None:
        self.books: dict[str, Book] = defaultdict(Book)
        self.accepted: set[str] = set()
        self.again = 0

    def acknowledged(self, events: list[Sent]) -> None:
        """Enter what the broker has confirmed; what is there already is a sender's duplicate."""
        for event in events:
            if event.event_id in self.accepted:
                self.again += 1
                continue
            self.accepted.add(event.event_id)
            book = self.books[event.account]
            if event.tally:
                book.tallies[event.tally] += 1
            if event.thing:
                book.things.add(event.thing)
