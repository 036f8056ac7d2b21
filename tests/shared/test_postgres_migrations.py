from typing import Any

import pytest
from truenorth.clock import ManualClock
from truenorth.errors import MissingError, TransientError
from truenorth.postgres import migrations

ENGINE: Any = object()


def answers(monkeypatch: pytest.MonkeyPatch, *given: Exception | None) -> list[str]:
    """Have the database answer like this, one after the other; return the list of what was asked."""
    asked: list[str] = []
    waiting = iter(given)

    async def require(_engine: Any, schema: str, _location: Any, *, command: str) -> None:
        asked.append(f"{schema}: {command}")
        answer = next(waiting)
        if answer is not None:
            raise answer

    monkeypatch.setattr(migrations, "require_current", require)
    return asked


async def test_a_database_that_is_still_starting_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, TransientError("away"), TransientError("away"), None)
    await migrations.wait_until_current(ENGINE, "x", "here", command="x migrate", clock=ManualClock())
    assert asked == ["x: x migrate"] * 3


async def test_an_old_schema_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch, MissingError("run x migrate"))
    with pytest.raises(MissingError, match="run x migrate"):
        await migrations.wait_until_current(ENGINE, "x", "here", command="x migrate", clock=ManualClock())
    assert len(asked) == 1
