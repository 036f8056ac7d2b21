"""Live traffic for a book: a few things happen within the first minute, then steady use goes on.

Times are real, so what happens here crosses bands and gives people tasks and alerts.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock, day_of
from truenorth.errors import TransientError
from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.ids import derived_id
from truenorth.samples.book import BookAccount
from truenorth.samples.errands import Errand, errands_of
from truenorth.samples.events import SampleEvent
from truenorth.samples.roads import Parcel, Roads, SdkCalls, as_sdk_call, is_sdk_usage
from truenorth.samples.scenes import Scene, scenes_of
from truenorth.samples.sender import EventSender, Refused

TICK_S: Final = 0.25
_CATCH_UP_EVENTS_MAX: Final = 2_000
_TICKET_SHARE: Final = 0.01
_SDK_SHARE: Final = 3
"""One account of so many has the SDK in its product; the back end sends what the others do."""


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


@dataclass(frozen=True, slots=True)
class Happens:
    """How much happens (``rate`` events a second, for ever or ``seconds``), and who is told of it and of refusals."""

    rate: float
    told: Callable[[str], None]
    refused: Refused
    seconds: float | None = None


async def play(
    book: list[BookAccount],
    happens: Happens,
    *,
    sender: EventSender,
    clock: Clock,
    seed: int,
    roads: Roads | None = None,
) -> None:
    """Play the scenes of the first minute over steady traffic.

    With ``roads`` a part of it comes as an SDK would send it, and other systems have their say in the first minute.
    A pause of the edge is waited out: traffic goes on where time has got to, it is not made up for.
    """
    start_ms, began_s = clock.now_ms(), clock.monotonic()
    traffic = Traffic(book, seed=seed, start_ms=start_ms)
    waiting = scenes_of(book, today=day_of(start_ms), run=str(start_ms))
    errands = [] if roads is None else [one for one in errands_of(book, start_ms=start_ms) if roads.takes(one.parcel)]
    sent = 0
    while happens.seconds is None or clock.monotonic() - began_s < happens.seconds:
        passed_s = clock.monotonic() - began_s
        due = [scene for scene in waiting if scene.after_s <= passed_s]
        waiting = waiting[len(due) :]
        wanted = int(passed_s * happens.rate) - sent
        sent += wanted
        now_ms = clock.now_ms()
        steady = traffic.steady(min(wanted, _CATCH_UP_EVENTS_MAX), now_ms)
        events = [*_played(due, traffic, now_ms, happens.told), *steady]
        if roads is not None:
            events, parcels = _parted(events)
            await _sent(roads, [*parcels, *_run(errands, passed_s, happens.told)], now_ms, happens.told)
        if events:
            try:
                await sender.post(events, refused=happens.refused)
            except TransientError as error:
                happens.told(str(error))
        await clock.sleep(TICK_S)


def _played(due: list[Scene], traffic: Traffic, now_ms: int, told: Callable[[str], None]) -> Iterator[SampleEvent]:
    for scene in due:
        told(scene.words)
        for data in scene.events:
            yield traffic.event(scene.account, data, now_ms)


def _parted(events: Sequence[SampleEvent]) -> tuple[list[SampleEvent], list[Parcel]]:
    """Return what the back end sends by itself, and one batch of what SDKs send."""
    of_sdk = [event for event in events if is_sdk_usage(event) and _has_sdk(event.account)]
    known = {event.id for event in of_sdk}
    calls: list[Parcel] = [SdkCalls([as_sdk_call(event) for event in of_sdk])] if of_sdk else []
    return [event for event in events if event.id not in known], calls


def _run(errands: list[Errand], passed_s: float, told: Callable[[str], None]) -> Iterator[Parcel]:
    """Take the errands that are due off the list."""
    while errands and errands[0].after_s <= passed_s:
        told(errands[0].words)
        yield errands.pop(0).parcel


def _has_sdk(account: str) -> bool:
    number = account.rpartition("-")[2]
    return number.isdigit() and int(number) % _SDK_SHARE == 0


async def _sent(roads: Roads, parcels: Sequence[Parcel], now_ms: int, told: Callable[[str], None]) -> None:
    for parcel in parcels:
        if trouble := await roads.send(parcel, now_ms):
            told(trouble)
