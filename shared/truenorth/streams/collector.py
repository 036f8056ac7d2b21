"""Python's garbage collector, set for a process that holds much and makes many short-lived objects."""

import gc
from typing import Final

THRESHOLDS: Final = (200_000, 20, 100)
"""Far above the defaults: with those, the collector looks again and again through events that wait for a flush."""


def tune() -> None:
    """Collect seldom. The engine makes no cycles; what it drops is freed at once by counting references."""
    gc.set_threshold(*THRESHOLDS)


def settle() -> None:
    """Leave everything that is there now out of later collections: restored state stays.

    Nothing is collected first: that looks at every object of millions of accounts, seconds in which no heartbeat is
    sent.
    """
    gc.freeze()
