"""Named findings: conditions that open and clear, with their evidence in words.

Each opens at its ``limit`` and stays open until it is past its ``clear`` value, so that it does not flap. A number that
is not known is no evidence: it opens nothing, and clears what was open.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from truenorth import words
from truenorth.definitions.model import FindingRule
from truenorth.definitions.signals import FINDINGS
from truenorth.events.health import Finding

from truenorth_health.domain.limits import DAY_MS

SIGNALS_NEEDED: Final[tuple[str, ...]] = (
    "usage_fit",
    "champion_gone",
    "days_since_buyer",
    "active_contacts_90d",
    "consumption_gap",
    "arr_change_90d",
)
"""What `evidence` may ask for, beside the scorecard's own."""
TAKEN_AT_ITS_WORD: Final = frozenset({"score_against_revenue"})
"""Findings made from the score of two weeks ago, which no record tells: `verify` cannot judge them."""

_AGAINST: Final = ("value", "sentiment", "relationship", "billing")
"""What may be red while usage is green. Support is not among them: who uses a lot asks a lot."""
_GREEN: Final = 75.0
_GREEN_SLACK: Final = 5.0
_ARR_FELL_PERCENT: Final = 5.0
_COVERAGE_SLACK: Final = 0.05
_BY_FLOOR: Final = -1.0
"""Stands for the floor of the scorecard."""
_ROUNDING: Final = 1e-9


class Limits(NamedTuple):
    """Where a finding opens, and where it clears."""

    opens: float
    clears: float


class Case(NamedTuple):
    """One finding of one account: the value that decides now (to open, or to clear), and whether it is open."""

    bound: float
    is_open: bool


class Asked(NamedTuple):
    """A finding to look for: when it holds (empty: it does not), and at what it opens and clears."""

    name: str
    holds: "Callable[[FindingInput, Case], str]"
    opens: Case
    clears: Case


_DEFAULTS: Final[dict[str, Limits]] = {
    "watermelon": Limits(40.0, 45.0),
    "misfit": Limits(75.0, 70.0),
    "champion_gone": Limits(1.0, 1.0),
    "buyer_unseen": Limits(90.0, 90.0),
    "single_threaded": Limits(1.0, 1.0),
    "consumption_gap": Limits(0.6, 0.5),
    "score_against_revenue": Limits(10.0, 5.0),
    "no_recent_data": Limits(_BY_FLOOR, _BY_FLOOR),
}
_NAMES: Final[dict[str, tuple[str, Literal["red", "yellow", "green"]]]] = {
    "watermelon": ("watermelon", "yellow"),
    "misfit": ("usage does not fit", "yellow"),
    "champion_gone": ("champion left", "red"),
    "buyer_unseen": ("buyer unseen", "yellow"),
    "single_threaded": ("single-threaded", "yellow"),
    "consumption_gap": ("consumption gap", "yellow"),
    "score_against_revenue": ("score against revenue", "yellow"),
    "no_recent_data": ("no recent data", "yellow"),
}


class FindingRules:
    """The rules of a bundle, with the defaults of findings that it does not list.

    Of several rules for one finding the first whose segments match counts; a finding that is listed only for other
    segments, or off, never opens.
    """

    __slots__ = ("_by_segment", "_listed")

    def __init__(self, listed: Sequence[FindingRule] = ()) -> None:
        self._listed = tuple(listed)
        self._by_segment: dict[str, tuple[Asked, ...]] = {}

    def of(self, segment: str) -> tuple[Asked, ...]:
        """Return the findings that may open in a segment, worked out once."""
        found = self._by_segment.get(segment)
        if found is None:
            found = tuple(
                Asked(name, _HOLDS[name], Case(limits.opens, is_open=False), Case(limits.clears, is_open=True))
                for name, limits in self._limits(segment)
            )
            self._by_segment[segment] = found
        return found

    def _limits(self, segment: str) -> list[tuple[str, Limits]]:
        limits: list[tuple[str, Limits]] = []
        for name in FINDINGS:
            rules = [one for one in self._listed if one.id == name]
            if not rules:
                limits.append((name, _DEFAULTS[name]))
                continue
            rule = next((one for one in rules if not one.segments or segment in one.segments), None)
            if rule is not None and not rule.off:
                limits.append((name, _limits_of(rule)))
        return limits


def _limits_of(rule: FindingRule) -> Limits:
    """Return a rule's limits; a limit without ``clear`` keeps the distance of the defaults."""
    default = _DEFAULTS[rule.id]
    if rule.limit is None:
        return default if rule.clear is None else Limits(default.opens, rule.clear)
    distance = _COVERAGE_SLACK if default.opens == _BY_FLOOR else default.clears - default.opens
    return Limits(rule.limit, rule.limit + distance if rule.clear is None else rule.clear)


@dataclass(frozen=True, slots=True)
class FindingInput:
    """What findings are made from: one look at an account, and which findings are open.

    ``dimensions``: id -> score. ``number_of`` a signal by name, ``delta_14d`` the score against two weeks ago, asked
    for only where revenue moved. ``coverage`` and its ``floor`` are 0..1; ``left_ms`` is when a champion left (0: not
    known).
    """

    dimensions: Mapping[str, float | None]
    number_of: Callable[[str], float | None]
    delta_14d: Callable[[], float | None]
    coverage: float
    floor: float
    segment: str
    is_open: Collection[str]
    now_ms: int
    rules: FindingRules = field(default_factory=FindingRules)
    left_ms: int = 0


def evidence(look: FindingInput) -> dict[str, str]:
    """Return the findings that hold now, each with its evidence, in the order of the catalogue."""
    found: dict[str, str] = {}
    is_open = look.is_open
    for name, holds, opens, clears in look.rules.of(look.segment):
        if told := holds(look, clears if name in is_open else opens):
            found[name] = told
    return found


def _watermelon(look: FindingInput, case: Case) -> str:
    red = watermelon_reds(look.dimensions, was_open=case.is_open, red=case.bound)
    if not red:
        return ""
    parts = [f"{name} {words.shown(look.dimensions[name] or 0.0)}" for name in red]
    return ", ".join([f"usage {words.shown(look.dimensions.get('usage') or 0.0)}", *parts])


def _misfit(look: FindingInput, case: Case) -> str:
    usage, fit = look.dimensions.get("usage"), look.number_of("usage_fit")
    if usage is None or fit is None or fit > 0 or usage < case.bound:
        return ""
    return f"usage {words.shown(usage)}, but by the CSM's word it does not fit"


def _champion_gone(look: FindingInput, _case: Case) -> str:
    if not look.number_of("champion_gone"):
        return ""
    if not look.left_ms:
        return "left, and no champion was met since"
    return f"left {words.days((look.now_ms - look.left_ms) // DAY_MS)} ago"


def _buyer_unseen(look: FindingInput, case: Case) -> str:
    """A buyer who never answered is one we may not know of: that is no finding."""
    days = look.number_of("days_since_buyer")
    if days is None or days < case.bound:
        return ""
    return f"no economic buyer answered for {words.days(days)}"


def _single_threaded(look: FindingInput, case: Case) -> str:
    """So many contacts at most, and at least one: of an account without any nothing is known. Once open, none is worse.

    It counts who answers, not who is known: an account that only ever had one contact hangs on one thread as well.
    """
    contacts = look.number_of("active_contacts_90d")
    if contacts is None or contacts > case.bound or (contacts < 1 and not case.is_open):
        return ""
    return f"{words.plural(words.shown(contacts), 'contact') if contacts else 'nobody'} answered in 90 days"


def _consumption_gap(look: FindingInput, case: Case) -> str:
    gap = look.number_of("consumption_gap")
    if gap is None or (gap < case.bound if case.is_open else gap <= case.bound):
        return ""
    return f"{words.percent(gap * 100)} of what was bought is not used"


def _score_against_revenue(look: FindingInput, case: Case) -> str:
    """The score fell while revenue rose, or rose while revenue fell by 5 % or more (by anything, once open)."""
    arr = look.number_of("arr_change_90d")
    if arr is None or arr == 0 or (-_ARR_FELL_PERCENT < arr < 0 and not case.is_open):
        return ""
    delta = look.delta_14d()
    if delta is None or (delta > 0) == (arr > 0) or abs(delta) < case.bound:
        return ""
    moved = f"score {'down' if delta < 0 else 'up'} {words.shown(abs(delta))} in two weeks"
    return f"{moved}, ARR {'down' if arr < 0 else 'up'} {words.percent(abs(arr))} in 90 days"


def _no_recent_data(look: FindingInput, case: Case) -> str:
    enough = case.bound
    if enough == _BY_FLOOR:
        enough = min(1.0, look.floor + _COVERAGE_SLACK) if case.is_open else look.floor
    if look.coverage >= enough - _ROUNDING:
        return ""
    return f"{words.percent(look.coverage * 100)} of its data is fresh"


_HOLDS: Final[dict[str, Callable[[FindingInput, Case], str]]] = {
    "watermelon": _watermelon,
    "misfit": _misfit,
    "champion_gone": _champion_gone,
    "buyer_unseen": _buyer_unseen,
    "single_threaded": _single_threaded,
    "consumption_gap": _consumption_gap,
    "score_against_revenue": _score_against_revenue,
    "no_recent_data": _no_recent_data,
}


def watermelon_reds(dimensions: Mapping[str, float | None], *, was_open: bool, red: float | None = None) -> list[str]:
    """Return the dimensions below ``red`` while usage is green, worst first; empty when it is no watermelon."""
    usage = dimensions.get("usage")
    if usage is None or usage < _GREEN - (_GREEN_SLACK if was_open else 0.0):
        return []
    if red is None:
        opens, clears = _DEFAULTS["watermelon"]
        red = clears if was_open else opens
    found = [(score, name) for name in _AGAINST if (score := dimensions.get(name)) is not None and score < red]
    return [name for _, name in sorted(found)]


def finding(name: str, opened_ms: int, words_for_it: str) -> Finding:
    """Return the published form of an open finding."""
    shown, severity = _NAMES[name]
    return Finding(name, shown, severity, opened_ms, words_for_it)
