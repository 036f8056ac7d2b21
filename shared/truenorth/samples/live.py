"""Live traffic for a book: a few things happen within the first minute, then steady use goes on.

Times are real, so what happens here crosses bands and gives people tasks and alerts.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from truenorth.clock import Clock, day_of
from truenorth.errors import TransientError
from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.ids import derived_id
from truenorth.samples.book import BookAccount
from truenorth.samples.events import SampleEvent
from truenorth.samples.scenes import Scene, scenes_of
from truenorth.samples.sender import EventSender, Refused

TICK_S: Final = 0.25
_CATCH_UP_EVENTS_MAX: Final = 2_000
_TICKET_SHARE: Final = 0.01


class Traffic:
    """What happens next. Ids are derived from the start, so that two runs never share one."""

    def __init__(self, book: list[BookAccount], *, seed: int, start_ms: int) -> None:
        self._rng = random.Random(f"live {seed} {start_ms}")  # noqa: S311 - a sample, nothing secret
        self._users = [account for account in book if account.story.churned is None and account.story.name != "leaving"]
        self._weights = [min(account.seats, 60) * account.story.seat_share for account in self._users]
        self._start_ms = start_ms
        self._number = 0
        self._open_tickets: list[tuple[str, str]] = []

    def event(self, account: str, data: PayloadStruct, now_ms: int) -> SampleEvent:
        """Return an event that happens now."""
        self._number += 1
        event_id = derived_id("live", str(self._start_ms), str(self._number))
        return SampleEvent(event_id, account, now_ms, data)

    def steady(self, count: int, now_ms: int) -> Iterator[SampleEvent]:
        """Yield this many events of ordinary use, now and then a small ticket that is opened or solved."""
        for account in self._rng.choices(self._users, self._weights, k=count):
            if self._rng.random() < _TICKET_SHARE:
                yield self._ticket(account, now_ms)
                continue
            actors = account.actors[: max(1, round(len(account.actors) * account.story.seat_share))]
            feature, module = self._rng.choice(account.feature_modules[: account.story.features])
            usage = inputs.UsageRecorded(feature=feature, module=module, actor=self._rng.choice(actors))
            yield self.event(account.id, usage, now_ms)

    def _ticket(self, account: BookAccount, now_ms: int) -> SampleEvent:
        if self._open_tickets:
            owner, ticket = self._open_tickets.pop()
            minutes = self._rng.randint(10, 90)
            return self.event(owner, inputs.TicketSolved(ticket_id=ticket, first_response_minutes=minutes), now_ms)
        ticket = f"{account.id}-l{self._start_ms}-{self._number}"
        self._open_tickets.append((account.id, ticket))
        return self.event(account.id, inputs.TicketOpened(ticket_id=ticket, priority="p4"), now_ms)


async def play(
    book: list[BookAccount],
    *,
    sender: EventSender,
    clock: Clock,
    seed: int,
    rate: float,
    told: Callable[[str], None],
    refused: Refused,
    seconds: float | None = None,
) -> None:
    """Play the scenes of the first minute over steady traffic of ``rate`` events a second, for ever or ``seconds``.

    A pause of the edge is waited out: traffic goes on where time has got to, it is not made up for.
    """
    start_ms, began_s = clock.now_ms(), clock.monotonic()
    traffic = Traffic(book, seed=seed, start_ms=start_ms)
    waiting = scenes_of(book, today=day_of(start_ms), run=str(start_ms))
    sent = 0
    while seconds is None or clock.monotonic() - began_s < seconds:
        passed_s = clock.monotonic() - began_s
        due = [scene for scene in waiting if scene.after_s <= passed_s]
        waiting = waiting[len(due) :]
        wanted = int(passed_s * rate) - sent
        sent += wanted
        now_ms = clock.now_ms()
        events = [*_played(due, traffic, now_ms, told), *traffic.steady(min(wanted, _CATCH_UP_EVENTS_MAX), now_ms)]
        if events:
            try:
                await sender.post(events, refused=refused)
            except TransientError as error:
                told(str(error))
        await clock.sleep(TICK_S)


def _played(due: list[Scene], traffic: Traffic, now_ms: int, told: Callable[[str], None]) -> Iterator[SampleEvent]:
    for scene in due:
        told(scene.words)
        for data in scene.events:
            yield traffic.event(scene.account, data, now_ms)
