"""Is anything missing at the present point? What is published last, what is stored, and what follows from it."""

from collections.abc import Iterator, Mapping

import msgspec
from truenorth.events.health import DecisionPoint

from truenorth_health.domain.carry import carry_out
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.gone import decide_churned, is_erased
from truenorth_health.domain.parts import Accounts
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, load
from truenorth_health.domain.transitions import band_of
from truenorth_health.domain.verify import Difference
from truenorth_health.domain.verify_path import Known


class _Named(msgspec.Struct, frozen=True):
    id: str


class _Standing(msgspec.Struct, frozen=True):
    id: str
    status: str


class Shown(msgspec.Struct, frozen=True):
    """What `verify` needs of a snapshot."""

    account: str
    revision: int
    band: str
    segment: str
    phase: str
    scorecard: str
    point: DecisionPoint
    score: float | None = None
    findings: list[_Named] = []
    milestones: list[_Standing] = []
    churned: bool = False
    transitions: int = 0


def against_snapshot(state: AccountState, shown: Shown | None) -> Iterator[Difference]:
    """Compare the latest snapshot with the stored path; a higher revision than the stored one is left to the caller."""
    path = state.read(Path)
    if is_erased(state):
        if shown is not None and path.tombstoned:
            yield Difference("health", f"revision {shown.revision}", "deleted: the account was erased")
        return
    if shown is None:
        if path.revision:
            yield Difference("health", "no snapshot", f"revision {path.revision}")
        return
    if shown.revision < path.revision:
        yield Difference("health.revision", shown.revision, path.revision)
    elif shown.revision == path.revision:
        yield from _same_revision(path, shown)


def _same_revision(path: Path, shown: Shown) -> Iterator[Difference]:
    pairs: list[tuple[str, object, object]] = [
        ("transitions", shown.transitions, path.number),
        ("band", shown.band, band_of(path.band)),
        ("score", _rounded(shown.score), _rounded(path.score)),
        ("segment", shown.segment, path.segment),
        ("phase", shown.phase, path.phase),
        ("scorecard", shown.scorecard, path.scorecard),
        ("churned", shown.churned, path.churned),
        ("findings", sorted(one.id for one in shown.findings), sorted(path.findings)),
        ("point.now_ms", shown.point.now_ms, path.published_ms),
    ]
    if not shown.churned:
        marks = {name: mark.status for name, mark in path.milestones.items()}
        pairs.append(("milestones", {one.id: one.status for one in shown.milestones}, marks))
    for name, said, wanted in pairs:
        if said != wanted:
            yield Difference(f"health.{name}", said, wanted)
    if shown.point.ordinal > path.ordinal:
        yield Difference("health.point.ordinal", shown.point.ordinal, f"{path.ordinal} or earlier")


def against_records(state: AccountState, known: Known) -> Iterator[Difference]:
    """Compare the stored path with what the account's transitions told, all of which were read."""
    path = state.read(Path)
    pairs: list[tuple[str, object, object]] = []
    if known.churned is not None:
        pairs.append(("path.churned", path.churned, known.churned))
    if known.churned is False and known.band is not None:
        pairs.append(("path.band", path.band, known.band))
    if known.churned is False and known.findings is not None:
        pairs.append(("path.findings", sorted(path.findings), sorted(known.findings)))
    for name, stored, told in pairs:
        if stored != told:
            yield Difference(name, stored, f"{told}: so the transitions say")
    for name, at, last in (
        ("path.now_ms", path.now_ms, known.now_ms),
        ("path.ordinal", path.ordinal, known.ordinal),
        ("path.revision", path.revision, known.revision),
    ):
        if at < last:
            yield Difference(name, at, f"{last} or later")


def is_waiting(state: AccountState) -> bool:
    """Whether events were folded that nothing was decided about yet: a busy account is decided once a second."""
    return state.read(Path).pending != 0


def decided_again(
    account: str,
    parts: dict[str, bytes],
    compiled: Compiled,
    offsets: Mapping[str, int],
    silent: Mapping[str, int],
) -> Iterator[Difference]:
    """Decide once more at the stored path's own point: nothing may come of it. The parts are left as they are.

    ``silent`` is what the latest snapshot's point says: another silence would have published another snapshot.

    Not for an account that is waiting (`is_waiting`), erased, or provisional.
    """
    state = load(account, dict(parts))
    path = state.read(Path)
    score, number, revision = path.score, path.number, path.revision
    point = DecisionPoint(dict(offsets), compiled.hash, path.ordinal, path.now_ms, dict(silent))
    decide = decide_churned if state.read(Accounts).churned else carry_out
    decided = decide(state, compiled, point)
    for change in decided.changes:
        yield Difference(
            f"missing {change.kind} {change.subject}", f"number {number}", f"{change.before} to {change.after}"
        )
    for passed in decided.milestones:
        name = f"missing milestone {passed.milestone.id}"
        yield Difference(name, f"number {number}", f"{passed.before or 'untold'} to {passed.after}")
    if path.score != score:
        yield Difference("path.score", score, path.score)
    if decided.snapshot is not None and not decided.changes and not decided.milestones:
        yield Difference("path.print", f"revision {revision}", "a newer snapshot: what a person sees has changed")


def _rounded(score: float | None) -> int | None:
    return None if score is None else int(score + 0.5)
