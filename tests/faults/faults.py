"""The faults by name."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from tests.faults import brokers, inputs, workers
from tests.faults.ground import Ground
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
    prepare: Callable[[Ground], None] = lambda _: None


FAULTS = (
    Fault("kill", "kill -9 of a worker at a random moment", 50, workers.kill),
    Fault("kill-at-commit", "kill -9 of a worker before, during, after a commit", 12, workers.kill_at_commit),
    Fault("come-and-go", "workers join and leave: two, three, two", 6, workers.come_and_go, TWO_DYNAMIC),
    Fault("sleep", "a worker sleeps longer than its session and wakes", 3, workers.sleep, TWO_DYNAMIC),
    Fault("broker-stop", "the broker is stopped and started", 5, brokers.stop),
    Fault("broker-kill", "kill -9 of the broker", 6, brokers.kill),
    Fault("broker-at-commit", "kill -9 of the broker before, during, after a commit", 9, brokers.kill_at_commit),
    Fault("broker-at-start", "the broker goes while a worker starts", 4, brokers.away_at_start),
    Fault("sent-again", "every event is sent twice, and a worker is killed", 3, inputs.sent_again),
    Fault(
        "delivered-again", "the group's offsets are set back to the beginning", 3, inputs.delivered_again, TWO_DYNAMIC
    ),
    Fault("poison", "a deploy that finds everything to be poison", 2, inputs.poison),
    Fault("disk", "the disk under the broker is full", 2, brokers.full_disk, prepare=brokers.small_disk),
)
BY_NAME = {fault.name: fault for fault in FAULTS}
