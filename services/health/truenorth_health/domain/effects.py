"""What other definitions would do to accounts as they stand: the difference, and its summary in lines."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final

from truenorth import words
from truenorth.events.health import Band

from truenorth_health.domain import bands
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.gone import is_erased
from truenorth_health.domain.milestones import standing
from truenorth_health.domain.parts import Accounts
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.view import View, look

WORST_MAX: Final = 10
_RANK: Final[dict[str, int]] = {"red": 0, "yellow": 1, "unknown": 2, "green": 3}
_TURNS: Final[tuple[Band, ...]] = ("yellow", "red", "green", "unknown")


@dataclass(frozen=True, slots=True)
class Stand:
    """Where an account stands under some definitions; ``band`` is empty where no scorecard applies."""

    score: float | None = None
    band: str = ""
    segment: str = ""
    scorecard: str = ""
    version: str = ""
    milestones: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Effect:
    """One account before and after; ``arr`` yearly, in minor units."""

    account: str
    name: str
    arr: int
    before: Stand
    after: Stand

    @property
    def is_worse(self) -> bool:
        """Whether it would turn yellow from green, or red."""
        before, after = self.before.band, self.after.band
        return before != "" and after in {"yellow", "red"} and _RANK[after] < _RANK[before]

    @property
    def fall(self) -> float:
        """Return the points it would lose; negative when it would gain some."""
        return (self.before.score or 0.0) - (self.after.score or 0.0)


def effect(state: AccountState, current: Compiled | None, proposed: Compiled, at_ms: int) -> Effect | None:
    """Return what would change for an account; None when it is not scored: provisional, churned or erased.

    Both sides are looked at now and come from the band it is in, without hold: only what the definitions change
    differs, not what time does.
    """
    accounts = state.read(Accounts)
    if is_erased(state) or not accounts.known or accounts.churned:
        return None
    path = state.read(Path)
    was = None if current is None else look(state, current, at_ms)
    now = None if was is None or current is None else _same(was, current, proposed)
    if now is None:
        now = look(state, proposed, at_ms)
    before = Stand() if was is None or current is None else _stand(state, path, current, was)
    after = Stand() if now is None else _stand(state, path, proposed, now)
    name, arr = ("", 0) if now is None else (now.facts.name, now.facts.arr or 0)
    return Effect(state.account, name, arr, before, after)


def _same(view: View, current: Compiled, proposed: Compiled) -> View | None:
    """Return the view under ``proposed`` where it can only be the same: most changes leave most accounts alone."""
    segment = proposed.segment_of(view.facts)
    card = proposed.scorecard_of(segment)
    if card is None or card.version != view.card.version:
        return None
    if proposed.entitled(view.facts) != current.entitled(view.facts):
        return None
    return replace(view, segment=segment, phase=proposed.phase_of(view.facts))


def _stand(state: AccountState, path: Path, compiled: Compiled, view: View) -> Stand:
    source, now_ms = view.card.source, view.facts.at_ms
    step = bands.step(
        source.bands, 0, current=path.band, leaving_ms=None, score=view.score, now_ms=now_ms, at_once=True
    )
    milestones = _milestones(state, path, view, compiled)
    return Stand(view.score, step.band, view.segment, source.id, view.card.version, milestones)


def _milestones(state: AccountState, path: Path, view: View, compiled: Compiled) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    entitled = compiled.entitled(view.facts)
    for one in compiled.milestones:
        if one.source.segments and view.segment not in one.source.segments:
            continue
        now = standing(state, view.facts, one, path.milestones.get(one.source.id), entitled)
        if now is not None:
            found.append((one.source.id, now.progress.status))
    return tuple(found)


@dataclass(slots=True)
class Effects:
    """The sum over accounts. Only the worst are kept by name."""

    accounts: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    worse_arr: int = 0
    scores: int = 0
    segments: int = 0
    scorecards: int = 0
    milestones: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    worst: list[Effect] = field(default_factory=list)

    def add(self, one: Effect) -> None:
        """Count an account in."""
        before, after = one.before, one.after
        self.accounts += 1
        if before.band != after.band:
            self.turns[after.band] += 1
        self.worse_arr += one.arr if one.is_worse else 0
        self.scores += words.shown_or_dash(before.score) != words.shown_or_dash(after.score)
        self.segments += before.segment != after.segment
        self.scorecards += before.scorecard != after.scorecard
        was, now = dict(before.milestones), dict(after.milestones)
        for name in was | now:
            status = was.get(name, ""), now.get(name, "")
            if status[0] != status[1]:
                self.milestones.setdefault(name, Counter())[status] += 1
        if one.is_worse or one.fall > 0:
            self.worst.append(one)
            if len(self.worst) > 2 * WORST_MAX:
                self._cut()

    def _cut(self) -> None:
        self.worst.sort(
            key=lambda one: (not one.is_worse, _RANK.get(one.after.band, len(_RANK)), -one.fall, -one.arr, one.account)
        )
        del self.worst[WORST_MAX:]

    def lines(self, *, seconds: float) -> list[str]:
        """Return the summary for people; ``seconds`` is how long it took."""
        looked = f"{words.plural(self.accounts, 'account')} looked at in {seconds:.1f} s"
        said = [self._turns()]
        if self.scores:
            said.append(f"{words.plural(self.scores, 'account')} would show another score")
        moved = [
            f"{words.plural(count, 'account')} would change {what}"
            for count, what in ((self.segments, "segment"), (self.scorecards, "scorecard"))
            if count
        ]
        said += moved
        said += [_milestone(name, pairs) for name, pairs in sorted(self.milestones.items())]
        self._cut()
        said += [f"  {_one(one)}" for one in self.worst if _shown(one.before) != _shown(one.after)]
        return [*said, looked]

    def _turns(self) -> str:
        parts = [f"{self.turns[band]} {band}" for band in _TURNS if self.turns[band]]
        if not parts:
            return "no account would change its band"
        first, *others = parts
        count, band = first.split(" ")
        told = ", ".join([f"{words.plural(int(count), 'account')} would go {band}", *others])
        return told + (f"; {words.money(self.worse_arr)} ARR turn worse" if self.worse_arr else "")


def _milestone(name: str, pairs: Counter[tuple[str, str]]) -> str:
    """Return how many accounts would change their status; a milestone that is new to an account has none before."""
    order = ("reached", "missed", "at_risk", "pending")
    new = {after: count for (before, after), count in pairs.items() if not before}
    if len(new) == len(pairs):
        told = ", ".join(f"{new[status]} {status.replace('_', ' ')}" for status in order if status in new)
        return f"new milestone {name}: {told}"
    gone = sum(count for (_, after), count in pairs.items() if not after)
    if gone == sum(pairs.values()):
        return f"milestone {name} would go: {words.plural(gone, 'account')} had it"
    steps = [
        f"{count} {(before or 'without').replace('_', ' ')} -> {(after or 'without').replace('_', ' ')}"
        for (before, after), count in sorted(pairs.items(), key=lambda one: (-one[1], one[0]))
    ]
    return f"milestone {name}: {', '.join(steps)}"


def _one(one: Effect) -> str:
    arr = f", {words.money(one.arr)} ARR" if one.arr else ""
    return f"{one.account} {one.name}".rstrip() + f": {_shown(one.before)} -> {_shown(one.after)}{arr}"


def _shown(stand: Stand) -> str:
    return f"{words.shown_or_dash(stand.score)} {stand.band}" if stand.band else "not scored"
