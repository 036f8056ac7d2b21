"""The stream edge: a faust application, made by a factory, whose services and agents are health's.

faust is the frame: lifecycle, timers, and agents on low-rate topics where a repeat is harmless. What must be
exact runs in `truenorth.streams` as a service of the app, with its own consumer group. No faust table
holds truth, and its web port is off.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import faust
import mode
from truenorth.errors import RefusedError
from truenorth.kafka.dead_letters import parse_letter
from truenorth.topics import full_name

from truenorth_health.settings import Settings

OBSERVE_EVERY_SECONDS: Final = 2.0
SILENCE_TICK_SECONDS: Final = 1.0
"""How often it is seen whether the sources are to be asked after: new definitions may name others."""
SESSION_SECONDS: Final = 8.0
"""How long the frame's group waits for a worker that was killed; the engine starts only after that (faust: 60).

A worker with an instance name of its own need not be waited for: it takes its place again at once.
"""


class RunsUntilStopped(Protocol):
    """The engine, as far as its frame knows it."""

    async def start(self) -> None:
        """Connect and join."""

    async def run(self) -> None:
        """Work until stopped; raises when going on would be wrong."""

    async def stop(self) -> None:
        """Flush what is folded and leave."""


class EngineService(mode.Service):
    """The partition engine as a service of the faust app: its end crashes the app, and so the process."""

    def __init__(self, engine: RunsUntilStopped, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._engine = engine

    async def on_start(self) -> None:
        """Start the engine."""
        await self._engine.start()

    async def on_stop(self) -> None:
        """Stop the engine."""
        await self._engine.stop()

    @mode.Service.task
    async def _run(self) -> None:
        await self._engine.run()
        if not self.should_stop:
            raise RuntimeError("the engine ended although nobody stopped it")


async def watch_frame(app: faust.App) -> None:
    """Return when the app has stopped; raise what crashed it."""
    await app.wait_until_stopped()
    if app.crashed:
        raise app.crash_reason or RuntimeError("the frame crashed")


def build_app(
    settings: Settings,
    engine: RunsUntilStopped,
    *,
    count_dead_letter: Callable[[str], None],
    observe: Callable[[], None],
    tick_silence: Callable[[], Awaitable[None]],
    hear_cohorts: Callable[[bytes | None], Awaitable[None]],
) -> faust.App:
    """Return the application; nothing is connected before it is started."""
    servers = ";".join(f"kafka://{server.strip()}" for server in settings.bootstrap.split(","))
    app = faust.App(
        f"{settings.group}-frame",
        broker=servers,
        web_enabled=False,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="latest",
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=SESSION_SECONDS / 4,
        consumer_group_instance_id=settings.group_instance_id or None,
        worker_redirect_stdouts=False,
        key_serializer="raw",
        value_serializer="raw",
    )

    class BoundEngineService(EngineService):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(engine, **kwargs)

    app.service(BoundEngineService)
    dead_letters = app.topic(full_name("dead-letters"), key_serializer="raw", value_serializer="raw")

    async def watch_dead_letters(stream: Any) -> None:
        async for value in stream:
            count_dead_letter(dead_letter_reader(value))

    app.agent(dead_letters, name="dead-letter-rates")(watch_dead_letters)
    counts = app.topic(full_name("cohort-counts"), key_serializer="raw", value_serializer="raw")

    async def sum_cohorts(stream: Any) -> None:
        async for value in stream:
            await hear_cohorts(value)

    app.agent(counts, name="cohort-totals")(sum_cohorts)

    async def observe_engine() -> None:
        observe()

    app.timer(OBSERVE_EVERY_SECONDS, name="observe-engine")(observe_engine)
    app.timer(SILENCE_TICK_SECONDS, name="source-silence")(tick_silence)
    return app


def dead_letter_reader(value: bytes | None) -> str:
    """Return who parked a dead letter; ``unreadable`` when it is not one of ours."""
    try:
        return parse_letter(value or b"").reader
    except RefusedError:
        return "unreadable"
