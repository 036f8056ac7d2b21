"""Which connectors have gone silent: silence would otherwise look like health."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import TransientError

from truenorth_ingest.domain.webhooks.silence import Heard, Window, limit_ms, silent_ms
from truenorth_ingest.handlers.connectors import Connectors
from truenorth_ingest.ports import HeardTable, Meter

CHECK_EVERY_SECONDS: Final = 30.0

log = logging.getLogger(__name__)


class Hearing:
    """Notes in memory what is heard, shares it with the other replicas now and then, and tells who is too quiet.

    A connector that is on and was never heard is not silent: it has not begun.
    """

    def __init__(self, table: HeardTable, connectors: Connectors, clock: Clock, meter: Meter) -> None:
        self._table = table
        self._connectors = connectors
        self._clock = clock
        self._meter = meter
        self._windows: dict[str, Window] = {}
        self._known: Mapping[str, Heard] = {}
        self._silent: set[str] = set()
        self._told: set[str] = set()
        self._stopping = asyncio.Event()

    def heard(self, connector: str) -> None:
        """Note a webhook that was signed as it should be."""
        now_ms = self._clock.now_ms()
        window = self._windows.get(connector)
        self._windows[connector] = Window(1, now_ms, now_ms) if window is None else window.joined(now_ms)

    async def check(self) -> None:
        """Share what was heard, and tell who is silent; while the table is away by what was last known."""
        windows, self._windows = self._windows, {}
        try:
            self._known = await self._table.share(windows)
        except TransientError as error:
            log.warning("what was heard of connectors is not shared", extra={"reason": str(error)})
            self._keep(windows)
        self._tell()

    async def run(self) -> None:
        """Check twice a minute until `stop`."""
        while not self._stopping.is_set():
            await self.check()
            pauses = [
                asyncio.ensure_future(self._clock.sleep(CHECK_EVERY_SECONDS)),
                asyncio.ensure_future(self._stopping.wait()),
            ]
            try:
                await asyncio.wait(pauses, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pause in pauses:
                    pause.cancel()

    async def stop(self) -> None:
        """End `run`, and share what was heard last."""
        self._stopping.set()
        await self.check()

    def _keep(self, windows: Mapping[str, Window]) -> None:
        for connector, kept in windows.items():
            since = self._windows.get(connector)
            self._windows[connector] = (
                kept
                if since is None
                else Window(kept.times + since.times, kept.first_ms, max(kept.last_ms, since.last_ms))
            )

    def _tell(self) -> None:
        now_ms = self._clock.now_ms()
        on = {connector.id: connector for connector in self._connectors.on()}
        for connector_id in self._told - set(on):
            self._meter.connector_silent(connector_id, 0.0)
            self._silent.discard(connector_id)
        self._told = set(on)
        for connector_id, connector in on.items():
            known = self._known.get(connector_id)
            quiet_ms = 0 if known is None or connector_id in self._windows else silent_ms(connector, known, now_ms)
            self._meter.connector_silent(connector_id, quiet_ms / 1000)
            if known is not None and quiet_ms and connector_id not in self._silent:
                self._silent.add(connector_id)
                log.error(
                    "connector has gone silent",
                    extra={
                        "connector": connector_id,
                        "quiet_seconds": quiet_ms // 1000,
                        "limit_seconds": limit_ms(connector, known) // 1000,
                    },
                )
            elif not quiet_ms and connector_id in self._silent:
                self._silent.discard(connector_id)
                log.warning("connector is heard again", extra={"connector": connector_id})
