"""What the probes say, before anything is connected."""

from types import SimpleNamespace
from typing import Any

from truenorth.clock import ManualClock
from truenorth_playbooks.app import OUTBOX_AGE_S_MAX, App
from truenorth_playbooks.settings import Settings

from tests.playbooks.makers import NOW


def app_that_runs() -> Any:
    settings = Settings.from_env({"DATABASE_URL": "postgresql://u@127.0.0.1/x"})
    app: Any = App(settings, clock=ManualClock(NOW))
    app.definitions = SimpleNamespace(current=object(), failure=None)
    app.consumer = SimpleNamespace(progress=SimpleNamespace(caught_up=True, lag_records=0, stuck_for_s=0.0))
    return app


async def test_ready_when_all_that_came_before_is_read() -> None:
    app = app_that_runs()
    app.consumer.progress.caught_up = False
    assert "reading what came before" in app.ready()
    app.consumer.progress.caught_up = True
    assert app.ready() is None


async def test_not_ready_while_the_outbox_does_not_move() -> None:
    app = app_that_runs()
    app.relay.oldest_ms = NOW - round(OUTBOX_AGE_S_MAX * 1000)
    assert app.ready() is None
    app.relay.oldest_ms -= 1
    assert "outbox" in app.ready()
    assert app.live() is None
