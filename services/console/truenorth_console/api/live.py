"""Telling open pages that something changed: signals only, the page fetches what it shows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock
from truenorth.codec import encode_json

from truenorth_console.handlers import Touched

LIFE_S_MAX: Final = 600.0
PING_S: Final = 15.0
DEBOUNCE_S: Final = 0.25
STREAMS_MAX: Final = 2000
RETRY_MS: Final = 2000


@dataclass(frozen=True, slots=True)
class Watch:
    """What one open page wants to hear of."""

    books: frozenset[str]
    inboxes: frozenset[str]
    account: str = ""

    def hears(self, touched: Touched) -> tuple[bool, bool, bool, bool]:
        """Return whether its book, its inbox and its account are concerned, and the intake, which is everybody's."""
        return (
            not self.books.isdisjoint(touched.books),
            not self.inboxes.isdisjoint(touched.inboxes),
            self.account in touched.accounts,
            touched.intake,
        )


class _Listener:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.counts = [0, 0, 0, 0]
        self.woken = asyncio.Event()

    def note(self, heard: Collection[bool]) -> None:
        if any(heard):
            self.counts = [count + told for count, told in zip(self.counts, heard, strict=True)]
            self.woken.set()


class Hub:
    """Hands what each committed batch touched to the open streams, and to actions that wait to be seen."""

    def __init__(self, clock: Clock, *, opened: Callable[[int], None], life_s_max: float = LIFE_S_MAX) -> None:
        self._clock = clock
        self._opened = opened
        self._life_s_max = life_s_max
        self._listeners: set[_Listener] = set()
        self._waiting: set[asyncio.Event] = set()
        self._closing = asyncio.Event()
        self.sequence = 0
        """How many batches were published: a page that was made at an earlier one may have missed something."""

    def publish(self, touched: Touched) -> None:
        """Tell everybody whom a committed batch concerns."""
        self.sequence += 1
        for listener in self._listeners:
            listener.note(listener.watch.hears(touched))
        for waiting in self._waiting:
            waiting.set()

    def close(self) -> None:
        """End all streams: their pages connect again to whoever serves next."""
        self._closing.set()
        for listener in self._listeners:
            listener.woken.set()
        for waiting in self._waiting:
            waiting.set()

    @property
    def full(self) -> bool:
        """Whether one more stream would be one too many."""
        return self._closing.is_set() or len(self._listeners) >= STREAMS_MAX

    async def until(self, seen: Callable[[], Awaitable[bool]], *, seconds: float) -> bool:
        """Return whether ``seen`` became true within ``seconds``; it is asked after each committed batch."""
        waiting = asyncio.Event()
        self._waiting.add(waiting)
        deadline = self._clock.monotonic() + seconds
        try:
            while not await seen():
                left = deadline - self._clock.monotonic()
                if left <= 0 or self._closing.is_set() or not await _within(waiting, left):
                    return await seen()
                waiting.clear()
            return True
        finally:
            self._waiting.discard(waiting)

    async def stream(self, watch: Watch) -> AsyncIterator[bytes]:
        """Yield server-sent events until the stream is old, or the process stops."""
        listener = _Listener(watch)
        self._listeners.add(listener)
        self._opened(len(self._listeners))
        deadline = self._clock.monotonic() + self._life_s_max
        try:
            yield f"retry: {RETRY_MS}\n\n".encode() + _event(listener.counts, self.sequence)
            while not self._closing.is_set() and self._clock.monotonic() < deadline:
                if not await _within(listener.woken, PING_S):
                    yield b": still here\n\n"
                    continue
                listener.woken.clear()
                yield _event(listener.counts, self.sequence)
                await _within(self._closing, DEBOUNCE_S)
        finally:
            self._listeners.discard(listener)
            self._opened(len(self._listeners))


def _event(counts: list[int], sequence: int) -> bytes:
    told = dict(zip(("book", "inbox", "account", "intake"), counts, strict=True)) | {"sequence": sequence}
    return b"data: " + encode_json(told) + b"\n\n"


async def _within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
