"""Per-day points of the path: what an account's parts gave on each of the last 15 days."""

from truenorth_health.domain.limits import COMPARE_DAYS, POINT_DAYS_KEPT
from truenorth_health.domain.path import Path, Point, Points
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.view import View

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


def baseline(state: AccountState, day: int) -> Point | None:
    """Return the point two weeks before ``day`` (a day or two earlier when that one is missing)."""
    wanted = day - COMPARE_DAYS
    found = [one for one in state.read(Points).days if wanted - _SLACK_DAYS < one.day <= wanted]
    return found[-1] if found else None


def comparison(state: AccountState, path: Path, view: View) -> list[float] | None:
    """Return the contributions to explain a change with: two weeks ago, else the oldest kept of this scorecard."""
    was = baseline(state, view.facts.day)
    if was is not None and was.version == view.card.version:
        return was.contributions
    for one in [*state.read(Points).days, path.today]:
        if one is not None and one.version == view.card.version:
            return one.contributions
    return None
