"""One measure's move: what it gives against something, and against what it could give."""

from typing import Final, NamedTuple

from truenorth_health.domain.compiled import CompiledMeasure

TOLD_POINTS_MIN: Final = 1.0
"""What is less than a point is not worth a word."""


class Move(NamedTuple):
    """One measure: ``points`` against the comparison (negative: fell), ``lost`` against what it could give, ``of``."""

    measure: CompiledMeasure
    points: float
    lost: float
    value: float | None
    of: float

    @property
    def is_told(self) -> bool:
        """Whether it can be blamed: it has data, and it gives less than it could.

        Points also go when the weight of another measure that lost its data is shared out anew.
        """
        return self.value is not None and self.lost >= TOLD_POINTS_MIN
