"""What one evaluation of a scorecard gives."""

from collections.abc import Sequence

import msgspec


class Scored(msgspec.Struct, gc=False):
    """One evaluation. Lists run in the order of the scorecard's measures, and of its dimensions.

    ``parts`` are contributions in points of the overall score; they add up to ``score`` (None: nothing had data).
    ``of`` is the most each could give; it is shared between evaluations and never written. ``coverage`` is the share
    (0..1) of the configured weight that has data. ``fired`` are the words of the exceptions that moved the score,
    ``moved`` by how many points all of them did.
    """

    score: float | None
    coverage: float
    scores: list[float | None]
    parts: list[float]
    of: Sequence[float]
    dimensions: list[float | None]
    fired: tuple[str, ...] = ()
    excepted: bool = False
    moved: float = 0.0
