"""Bounds on one number: of a signal, or of the account's score."""

from truenorth.definitions.model import Condition


def holds(condition: Condition, value: float | None) -> bool:
    """Whether the number is at least the one bound and below the other; an unknown number meets no condition."""
    if value is None:
        return False
    least, below = condition.at_least, condition.below
    return (least is None or value >= least) and (below is None or value < below)
