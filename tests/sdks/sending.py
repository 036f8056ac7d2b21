"""The SDKs under test, and how a test makes one of them send: as a program of its own, in the SDK's own environment."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".venv-sdks"
SECONDS_MAX = 270

Call = dict[str, Any]


@dataclass(frozen=True)
class Sdk:
    """One SDK: the command that runs its program, whether it zips unless told, and how it is told to.

    ``waits`` are the statuses on which it waits for as long as ``Retry-After`` says.
    """

    name: str
    command: tuple[str, ...]
    zips: bool = False
    zip_option: Mapping[str, Any] = field(default_factory=dict)
    waits: frozenset[int] = frozenset()

    def __str__(self) -> str:
        return self.name


def _python(folder: str, program: str, *arguments: str) -> tuple[str, ...]:
    return str(INSTALLED / folder / "bin" / "python"), str(HERE / "programs" / program), *arguments


def _node(program: str) -> tuple[str, ...]:
    home = INSTALLED / "node"
    return str(home / "bin" / "node"), str(HERE / "node" / program), str(home / "app" / "package.json")


ZIP = {"gzip": True}
SEGMENT_PYTHON = Sdk(
    "segment-analytics-python 2.4.0",
    _python("segment-2.4.0", "calls.py", "segment.analytics.client"),
    zip_option=ZIP,
    waits=frozenset({429, 503}),
)
SEGMENT_PYTHON_OLD = Sdk(
    "segment-analytics-python 2.3.3",
    _python("segment-2.3.3", "calls.py", "segment.analytics.client"),
    zip_option=ZIP,
)
RUDDER_PYTHON = Sdk(
    "rudder-sdk-python 2.1.9", _python("rudder-2.1.9", "calls.py", "rudderstack.analytics.client"), zips=True
)
HIGHTOUCH_PYTHON = Sdk(
    "events-sdk-python 0.0.4", _python("hightouch-0.0.4", "calls.py", "hightouch.htevents.client"), zip_option=ZIP
)
SEGMENT_NODE = Sdk("@segment/analytics-node 3.1.0", _node("segment.mjs"), waits=frozenset({429}))
RUDDER_NODE = Sdk(
    "@rudderstack/rudder-sdk-node 3.0.13", _node("rudderstack.mjs"), zips=True, waits=frozenset({429, 503})
)
PYTHON = (SEGMENT_PYTHON, SEGMENT_PYTHON_OLD, RUDDER_PYTHON, HIGHTOUCH_PYTHON)
ALL = (*PYTHON, SEGMENT_NODE, RUDDER_NODE)


@dataclass(frozen=True)
class Outcome:
    """What the SDK told its program: an error, and how many events it gave up with it."""

    errors: list[dict[str, Any]]

    @property
    def given_up(self) -> int:
        return sum(error["events"] for error in self.errors)


async def send(
    sdk: Sdk,
    host: str,
    key: str,
    calls: Sequence[Call],
    *,
    options: Mapping[str, Any] | None = None,
    ahead_seconds: int = 0,
    pause_ms: int = 0,
) -> Outcome:
    """Let an SDK make these calls, ``pause_ms`` apart, and end; its clock is ``ahead_seconds`` wrong."""
    told = await run(
        sdk.command,
        {
            "host": host,
            "key": key,
            "calls": calls,
            "options": dict(options or {}),
            "ahead_seconds": ahead_seconds,
            "pause_ms": pause_ms,
        },
    )
    return Outcome(**told)


async def run(command: Sequence[str], asked: object) -> Any:
    """Run a program with this as its input; return what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "NO_PROXY": "127.0.0.1", "PYTHONPATH": ""},
    )
    try:
        async with asyncio.timeout(SECONDS_MAX):
            said, complained = await process.communicate(json.dumps(asked).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complained.decode()
    return json.loads(said)
