"""Parent and child accounts: what a child tells its parent, and what a parent knows of its children.

A child tells its parent when its shown score, band or ARR changed, and who it leaves that it is gone. Generations are
counted on the way up: whoever has more than `ROLL_UP_DEPTH_MAX` of them below its parent tells how deep it is and no
score, so that a circle of parents comes to rest with none of them counting in another.
"""

from truenorth.events.health import Band, ChildScored

from truenorth_health.domain.limits import ROLL_UP_DEPTH_MAX, ROLL_UP_RETOLD_MS
from truenorth_health.domain.parts import Children
from truenorth_health.domain.path import Path, Told
from truenorth_health.domain.rolled_up import ChildScore
from truenorth_health.domain.state import AccountState


def children_of(state: AccountState) -> list[ChildScore]:
    """Return the children that may count in this account's score, by account id."""
    return [
        ChildScore(account, child.score, child.band, child.arr)
        for account, child in sorted(state.read(Children).by_id.items())
        if child.depth <= ROLL_UP_DEPTH_MAX
    ]


def depth_of(state: AccountState) -> int:
    """Return the generations below this account's parent, itself included, counted to one more than may be."""
    below = max((child.depth for child in state.read(Children).by_id.values()), default=0)
    return min(below, ROLL_UP_DEPTH_MAX) + 1


def tell(
    state: AccountState,
    path: Path,
    *,
    parent_id: str | None,
    score: float | None,
    band: Band,
    arr: int | None,
    now_ms: int,
) -> list[tuple[str, ChildScored]]:
    """Return (parent, what to tell it) for a living account, noted on the path; nothing while nothing changed.

    A changed parent gives two: the old one is told that the child is gone.
    """
    told = path.told
    parent = parent_id if parent_id is not None and _is_other_account(parent_id, state.account) else ""
    if told is None and not parent:
        return []
    told = told or Told()
    depth = depth_of(state)
    if depth > ROLL_UP_DEPTH_MAX:
        score, band, arr = None, "unknown", None
    new = Told(parent, _next(told, now_ms), -1 if score is None else int(score + 0.5), band, arr, depth, now_ms)
    out = _good_bye(state.account, told, new.revision) if told.parent != parent else []
    if parent and (_differs(told, new) or now_ms - told.at_ms >= ROLL_UP_RETOLD_MS):
        out.append((parent, ChildScored(state.account, new.revision, band, score, arr, depth)))
    if out:
        path.told = new
    return out


def leave(account: str, path: Path, now_ms: int) -> list[tuple[str, ChildScored]]:
    """Return what the parent of an account that churned or was erased is told, noted on the path; at most once."""
    told = path.told
    if told is None or not told.parent:
        return []
    revision = _next(told, now_ms)
    path.told = Told(revision=revision, at_ms=now_ms)
    return _good_bye(account, told, revision)


def _is_other_account(parent_id: str, account: str) -> bool:
    """Whether this can be another account's id: the fact is any text, and one that no account has goes nowhere."""
    return parent_id != account and parent_id.isprintable()


def _good_bye(account: str, told: Told, revision: int) -> list[tuple[str, ChildScored]]:
    return [(told.parent, ChildScored(account, revision, gone=True))] if told.parent else []


def _differs(told: Told, new: Told) -> bool:
    return (told.parent, told.shown, told.band, told.arr, told.depth) != (
        new.parent,
        new.shown,
        new.band,
        new.arr,
        new.depth,
    )


def _next(told: Told, now_ms: int) -> int:
    """Return the next revision: by the clock, so that it also rises when the path was lost and is built anew."""
    return max(told.revision + 1, now_ms)
