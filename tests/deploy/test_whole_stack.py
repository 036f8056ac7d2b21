"""`truenorth up`, `status`, `down` and `reset`, as a person types them, on free ports."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from truenorth.clock import SystemClock
from truenorth_local.places import BACKING, SERVICES, Places, Ports
from truenorth_local.services import clean_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]
PARTS = {*BACKING, *SERVICES}


class Typist:
    """Types commands at one state directory and set of ports."""

    def __init__(self, folder: Path) -> None:
        self.places = Places(folder)
        usual, free = Ports.usual(), Ports.free()
        moved = zip(usual.of_parts().values(), free.of_parts().values(), strict=True)
        self.environment = clean_environment() | {usual.setting_of(old): str(new) for old, new in moved}
        self.environment["TRUENORTH_DATA"] = str(folder)

    def types(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "truenorth.commands.main", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=400, check=False)

    def sees(self) -> tuple[int, dict[str, Any]]:
        said = self.types("status", "--json")
        return said.returncode, {part["name"]: part for part in json.loads(said.stdout)["parts"]}


@pytest.fixture(scope="module")
def typist() -> Iterator[Typist]:
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    one = Typist(folder)
    yield one
    one.types("reset", "--yes")
    shutil.rmtree(folder, ignore_errors=True)


def _pid(typist: Typist, name: str) -> int:
    parts = json.loads(typist.places.state_file.read_text())["parts"]
    return int(parts[name]["identity"]["pid"])


def test_a_stack_is_started_watched_stopped_and_started_again(typist: Typist) -> None:
    assert typist.sees()[0] == 1

    up = typist.types("up")
    assert up.returncode == 0, up.stderr
    assert "Everything is ready" in up.stdout
    code, parts = typist.sees()
    assert code == 0
    assert set(parts) == PARTS
    key = typist.places.write_key
    assert key.stat().st_mode & 0o077 == 0
    kept = key.read_text()

    again = typist.types("up")
    assert (again.returncode, "It runs already." in again.stdout) == (0, True)

    _a_killed_service_comes_back(typist)

    down = typist.types("down")
    assert (down.returncode, down.stdout) == (0, f"Stopped; the data stay in {typist.places.root}.\n")
    code, parts = typist.sees()
    assert code == 1
    assert {part["state"] for part in parts.values()} == {"not running"}
    assert typist.types("down").stdout == "Nothing runs.\n"

    assert typist.types("up").returncode == 0
    assert key.read_text() == kept

    supervisor = json.loads(typist.places.state_file.read_text())["supervisor"]["pid"]
    os.kill(supervisor, signal.SIGKILL)
    code, parts = typist.sees()
    assert code == 1
    assert "left over" in parts["kafka"]["detail"]

    assert typist.types("reset", "--yes").returncode == 0
    assert not typist.places.root.exists()


def _a_killed_service_comes_back(typist: Typist) -> None:
    os.kill(_pid(typist, "notify"), signal.SIGKILL)
    clock = SystemClock()
    deadline = clock.monotonic() + 60
    seen: list[str] = []
    while (found := typist.sees())[0] != 0 or not seen:
        seen.append(found[1]["notify"]["state"])
        assert clock.monotonic() < deadline, seen
    assert found[1]["notify"]["restarts"] == 1
    assert "ready" in found[1]["notify"]["state"]
    assert httpx.get(f"{found[1]['console']['address']}/").status_code < 500
