"""Per-day points of the path: what an account's parts gave on each of the last 15 days."""

from truenorth_health.domain.causes import BACKFILL
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.limits import COMPARE_DAYS, POINT_DAYS_KEPT
from truenorth_health.domain.parts import UsageNames
from truenorth_health.domain.path import Path, Point, Points
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.view import View, look_back

_SLACK_DAYS = 2


def keep(state: AccountState, path: Path, view: View) -> None:
    """Make ``view`` the point of its day; a day that is over is sealed."""
    day = view.facts.day
    today = path.today
    if today is not None and today.day < day:
        points = state.write(Points)
        points.days = [one for one in points.days if one.day >= day - POINT_DAYS_KEPT]
        if today.day >= day - POINT_DAYS_KEPT:
            points.days.append(today)
    path.today = Point(day, view.score, view.card.version, view.scored.parts)


def void(state: AccountState, path: Path) -> None:
    """Forget the points of days that looked otherwise once their history had been loaded."""
    if path.pending & BACKFILL and state.read(Points).days:
        state.write(Points).days = []


class Comparison:
    """The account against where it stood two weeks ago: worked out when it is first asked for."""

    __slots__ = ("_compiled", "_point", "_state", "_view")

    def __init__(self, state: AccountState, view: View, compiled: Compiled) -> None:
        self._state = state
        self._view = view
        self._compiled = compiled
        self._point: Point | bool | None = False

    @property
    def was(self) -> Point | None:
        """The point of two weeks ago (`baseline`)."""
        if isinstance(self._point, bool):
            self._point = baseline(self._state, self._view, self._compiled)
        return self._point

    def delta(self) -> float | None:
        """Return the score against two weeks ago; None where either is not known."""
        was, score = self.was, self._view.score
        return None if was is None or was.score is None or score is None else score - was.score


def baseline(state: AccountState, view: View, compiled: Compiled) -> Point | None:
    """Return where the account stood two weeks ago under its scorecard of today; None when that is not known.

    It is the day's own point (or one a day or two older), also where nothing was decided since, so that it is not
    sealed yet. Where that is missing or was made by another scorecard, and usage reaches back that far, it is worked
    out from what is kept.
    """
    wanted = view.facts.day - COMPARE_DAYS
    days, last = state.read(Points).days, state.read(Path).today
    kept = days if last is None else [*days, last]
    found = [one for one in kept if wanted - _SLACK_DAYS < one.day <= wanted and one.version == view.card.version]
    if found:
        return found[-1]
    first_days = state.read(UsageNames).first_days
    if view.card.source.roll_up is not None:
        return None  # what children there were then is not kept
    if not first_days or min(first_days) > wanted:
        return None
    point = look_back(state, compiled, view.card, wanted)
    state.write(Points).days = [point, *(one for one in days if one.day > wanted)]
    return point


def comparison(state: AccountState, path: Path, view: View, was: Point | None) -> list[float] | None:
    """Return the contributions to explain a change with: two weeks ago, else the oldest kept of this scorecard."""
    for one in [was, *state.read(Points).days, path.today]:
        if one is not None and one.version == view.card.version:
            return one.contributions
    return None
