"""Which of the client's errors pass by themselves, and how long to wait between attempts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from aiokafka.errors import (
    BrokerNotAvailableError,
    IllegalStateError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    ReplicaNotAvailableError,
)

from truenorth.clock import Clock
from truenorth.errors import TransientError

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

BACKOFF_START_S: Final = 0.2
BACKOFF_MAX_S: Final = 5.0

_PASSING = (
    BrokerNotAvailableError,
    KafkaConnectionError,
    KafkaTimeoutError,
    KafkaUnavailableError,
    ReplicaNotAvailableError,
    IllegalStateError,  # the assignment changed under our feet: the next round sees the new one
    TimeoutError,
    OSError,
)


def is_transient(error: BaseException) -> bool:
    """Tell whether an error of the client (or our own) may pass when tried again."""
    if isinstance(error, (TransientError, *_PASSING)):
        return True
    return isinstance(error, KafkaError) and bool(error.retriable)


async def retrying(attempt: Callable[[], Awaitable[_T]], *, clock: Clock, what: str) -> _T:
    """Run ``attempt`` until it succeeds, waiting longer after each transient error; other errors pass through."""
    wait_s = BACKOFF_START_S
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_transient(error):
                raise
            _log.warning("%s failed, trying again in %.1f s: %s", what, wait_s, describe(error))
        await clock.sleep(wait_s)
        wait_s = min(wait_s * 2, BACKOFF_MAX_S)


async def within(seconds: float, work: Awaitable[_T], what: str) -> _T:
    """Await ``work`` for at most ``seconds``.

    Raises:
        TransientError: it took longer, or the client cancelled what it waited for itself: when a connection breaks,
            some calls of the client end as if *we* had been cancelled.
    """
    try:
        async with asyncio.timeout(seconds):
            return await work
    except TimeoutError:
        raise TransientError(f"{what} took longer than {seconds:g} s") from None
    except asyncio.CancelledError:
        if is_cancelled():
            raise
        raise TransientError(f"{what} was given up by the client") from None


def is_cancelled() -> bool:
    """Tell whether somebody wants the current task to end."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def describe(error: BaseException) -> str:
    """Return a sentence for the log, never empty."""
    return f"{type(error).__name__}: {error}"
