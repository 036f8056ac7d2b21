"""A health worker under orders: it kills the broker or itself at a chosen moment of a commit, or finds all poison.

``python -m tests.faults.orders`` with one of the variables below; everything else about it is the real worker.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaProducer
from truenorth.entry import Entry
from truenorth.errors import PoisonError
from truenorth_health.__main__ import _run
from truenorth_health.adapters.processor import AccountProcessor
from truenorth_health.settings import Settings

ORDER_FILE = "FAULTS_ORDER_FILE"
"""Path of a file that may come to hold an order: see `give`."""
POISON = "FAULTS_POISON"
"""The sentence with which this worker refuses every record."""


def give(path: Path, *, when: str, victim: int, delay_s: float) -> None:
    """Give an order for the next commit of any worker with this file.

    ``when`` is before, during (after ``delay_s``) or after it; ``victim`` is the pid to kill, 0 the worker's own.
    """
    ready = path.with_suffix(".ready")
    ready.write_text(json.dumps({"when": when, "victim": victim, "delay_s": delay_s}), "utf-8")
    ready.replace(path)


def _taken(path: Path) -> dict[str, Any] | None:
    """Return the order, which is gone then: it is for one commit of one worker."""
    mine = path.with_suffix(f".{os.getpid()}")
    try:
        path.rename(mine)
    except FileNotFoundError:
        return None
    order: dict[str, Any] = json.loads(mine.read_text("utf-8"))
    return order


def follow_orders(path: Path) -> None:
    """Put the order's deed around the client's commit."""
    producer: Any = AIOKafkaProducer
    commit = producer.commit_transaction

    async def deadly(self: Any) -> None:
        order = _taken(path)
        if order is None:
            await commit(self)
            return
        committing = None
        if order["when"] == "during":
            committing = asyncio.ensure_future(commit(self))
            await asyncio.sleep(order["delay_s"])
        elif order["when"] == "after":
            await commit(self)
        os.kill(order["victim"] or os.getpid(), signal.SIGKILL)
        if order["when"] == "before":
            await commit(self)
        elif committing is not None:
            await committing

    producer.commit_transaction = deadly


def find_all_poison(sentence: str) -> None:
    """Make a deploy of this worker that cannot read a thing."""

    def refuse(*_: Any) -> Any:
        raise PoisonError(sentence)

    processor: Any = AccountProcessor
    processor.decode = refuse


if __name__ == "__main__":
    if order_file := os.environ.pop(ORDER_FILE, ""):
        follow_orders(Path(order_file))
    if poison := os.environ.pop(POISON, ""):
        find_all_poison(poison)
    sys.exit(Entry("health", Settings.from_env, _run).main())
