"""The faults by name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.faults import workers
from tests.faults.scene import Scene

TWO = {"one": True, "two": True}
TWO_DYNAMIC = {"one": False, "two": False}


@dataclass(frozen=True)
class Fault:
    """One fault: what it says in the table, how often it is done, and on which workers (name: static)."""

    name: str
    says: str
    rounds: int
    do: Callable[[Scene, int], Awaitable[None]]
    workers: Mapping[str, bool] = field(default_factory=lambda: TWO)
    duplicates: float = 0.1


FAULTS = (
    Fault("kill", "kill -9 of a worker at a random moment", 50, workers.kill),
    Fault("kill-at-commit", "kill -9 of a worker before, during, after a commit", 12, workers.kill_at_commit),
    Fault("come-and-go", "workers join and leave: two, three, two", 6, workers.come_and_go, TWO_DYNAMIC),
    Fault("sleep", "a worker sleeps longer than its session and wakes", 3, workers.sleep, TWO_DYNAMIC),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
