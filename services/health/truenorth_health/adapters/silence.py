"""Sources that are silent for everybody: no account had an event for as long as the definitions allow."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from truenorth.clock import Clock
from truenorth.definitions.model import Bundle, Source
from truenorth.errors import TransientError
from truenorth.topics import BY_NAME, full_name

from truenorth_health.domain.compiled import duration_ms
from truenorth_health.domain.limits import DAY_MS

RETRY_S: Final = 5.0
_log = logging.getLogger(__name__)

SilentTopics = Callable[[Mapping[str, int]], Awaitable[Mapping[str, int | None]]]
"""See `truenorth.kafka.newest.silent_topics`: moments per topic -> topics without a record since, and their newest."""


class SourceSilence:
    """Asks the broker, every ``every_s``, which of the sources named in the definitions in force are silent.

    Its word is kept while the broker does not answer: silence is never declared, nor taken back, on an error.
    ``on_change`` is called when a source has fallen silent or speaks again.
    """

    def __init__(
        self,
        ask: SilentTopics,
        current: Callable[[], Bundle | None],
        *,
        clock: Clock,
        every_s: float,
        on_change: Callable[[], None],
    ) -> None:
        self._ask = ask
        self._current = current
        self._clock = clock
        self._every_s = every_s
        self._on_change = on_change
        self._asked: list[Source] = []
        self._known: list[Source] = []
        self._since_ms: dict[str, int] = {}
        self._next_s = 0.0

    @property
    def known(self) -> bool:
        """Whether the broker has answered for every source that the definitions in force name."""
        return self._sources() == self._known

    def at(self, now_ms: int) -> dict[str, int]:
        """Return the silent sources, and since when (epoch ms), for a decision as of ``now_ms``.

        While a worker is behind, a source may speak at that moment that fell silent later.
        """
        return {source: since_ms for source, since_ms in self._since_ms.items() if since_ms <= now_ms}

    def seconds(self) -> dict[str, float]:
        """Return for each source how long it has been silent; 0 while it is not."""
        now_ms = self._clock.now_ms()
        return {source.id: max(0, now_ms - self._since_ms.get(source.id, now_ms)) / 1000 for source in self._known}

    def reason(self, hash_: str) -> str:
        """Return what all accounts are decided for: the definitions with this hash, and these silences."""
        return "+".join([hash_, *(f"{source}@{since_ms}" for source, since_ms in sorted(self._since_ms.items()))])

    async def tick(self) -> None:
        """Look when it is time, or when the definitions name other sources than were asked for."""
        if self._clock.monotonic() >= self._next_s or self._sources() != self._asked:
            await self.look()

    async def look(self) -> None:
        """Ask now."""
        sources = self._asked = self._sources()
        now_ms = self._clock.now_ms()
        moments = {full_name(source.id): max(0, now_ms - duration_ms(source.silent_after)) for source in sources}
        try:
            newest_ms = await self._ask(moments) if moments else {}
        except TransientError as error:
            self._next_s = self._clock.monotonic() + min(RETRY_S, self._every_s)
            _log.warning(
                "it is not known whether sources are silent; the last word stays", extra={"reason": str(error)}
            )
            return
        self._next_s = self._clock.monotonic() + self._every_s
        before = self._since_ms
        self._known = sources
        self._since_ms = {
            source.id: self._silent_since(source.id, newest_ms[full_name(source.id)], now_ms)
            for source in sources
            if full_name(source.id) in newest_ms
        }
        if before != self._since_ms:
            self._say(before, now_ms)
            self._on_change()

    def _silent_since(self, source: str, newest_ms: int | None, now_ms: int) -> int:
        """Return since when; where no record is left, what was said before, else since the day retention begins."""
        if newest_ms is not None:
            return newest_ms
        if source in self._since_ms:
            return self._since_ms[source]
        days = BY_NAME[source].retention_days or 0
        return (now_ms // DAY_MS - days) * DAY_MS

    def _say(self, before: Mapping[str, int], now_ms: int) -> None:
        for source, since_ms in self._since_ms.items():
            if source not in before:
                silent_s = (now_ms - since_ms) // 1000
                _log.warning("a source is silent for everybody", extra={"silent": source, "silent_s": silent_s})
        for source in before.keys() - self._since_ms.keys():
            _log.warning("a source speaks again", extra={"silent": source})

    def _sources(self) -> list[Source]:
        bundle = self._current()
        return [] if bundle is None else bundle.definitions.sources
