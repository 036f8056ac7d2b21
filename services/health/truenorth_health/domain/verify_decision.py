"""Does what was published follow from its decision point? The same pure code, one transition later.

Nothing is taken on trust but what a record cannot tell: when a held change of band began, and the score of the
decision before (decisions that published nothing leave no record). A hold is checked from both sides as far as
records bound it: the band must have been held since the score was last seen to ask for it.
"""

from collections.abc import Iterator, Sequence

from truenorth.definitions.signals import FINDINGS
from truenorth.events.health import HealthChanged, MilestoneChanged

from truenorth_health.domain import bands
from truenorth_health.domain.causes import BACKFILL, BEHAVIOUR, FACT, OVERRIDE
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.findings import TAKEN_AT_ITS_WORD
from truenorth_health.domain.found import found
from truenorth_health.domain.parts import Accounts, Erasures
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.transitions import band_of
from truenorth_health.domain.verify import NO_RECORD, Difference, equal, pair
from truenorth_health.domain.verify_milestones import judge_milestones
from truenorth_health.domain.verify_path import Known, Told
from truenorth_health.domain.view import View, look

_BITS = {"behaviour": BEHAVIOUR, "fact": FACT, "override": OVERRIDE, "backfill": BACKFILL}
_NO_CHANGE = "no change"

Changes = dict[tuple[str, str], HealthChanged]
"""(kind, subject) -> the record."""


def judge(known: Known, group: Sequence[Told], state: AccountState, compiled: Compiled) -> list[Difference]:
    """Compare the transitions of one decision with what follows from its point, and move ``known`` there.

    ``state`` is the fold up to the offsets that the point names, ``compiled`` the definitions it names.
    """
    data = group[0].data
    erased_ms = state.read(Erasures).account_ms if state.has_erasures else None
    if erased_ms != known.erased_ms:
        known.restart(erased_ms)
    accounts = state.read(Accounts)
    view = look(state, compiled, data.point.now_ms, data.point.silent)
    if view is None or not accounts.known:
        return [
            Difference(one.name, "published", "no scorecard applies" if accounts.known else "provisional")
            for one in group
        ]
    known.band_causes |= known.causes
    changes: Changes = {
        (one.data.kind, one.data.subject): one.data for one in group if isinstance(one.data, HealthChanged)
    }
    told = {one.data.milestone.id: one.data for one in group if isinstance(one.data, MilestoneChanged)}
    if accounts.churned:
        found = list(_left(known, changes, told, state, view, compiled))
    else:
        found = [
            *_lives(known, changes, state, view, compiled),
            *_bands(known, changes.get(("band", "band")), data, view),
        ]
        found += judge_milestones(known, told, state, view, compiled)
    for one in group:
        found += _common(one, view, known)
    known.causes, known.definitions = 0, data.point.definitions
    if ("band", "band") in changes or accounts.churned:
        known.band_causes = 0
    return found


def _left(
    known: Known,
    changes: Changes,
    told: dict[str, MilestoneChanged],
    state: AccountState,
    view: View,
    compiled: Compiled,
) -> Iterator[Difference]:
    """The account left: that is told once, with its score of that moment, and nothing after it."""
    change = changes.get(("churn", "churn"))
    for kind, subject in changes.keys() - {("churn", "churn")}:
        yield Difference(f"{kind} {subject}", changes[kind, subject].after, f"{_NO_CHANGE}: the account left")
    for name, record in told.items():
        yield Difference(f"milestone {name}", record.after, f"{_NO_CHANGE}: the account left")
    if change is None or known.churned:
        if change is not None:
            yield Difference("churn", f"{change.before} to {change.after}", f"{_NO_CHANGE}: it left before")
    else:
        yield from pair("churn", (change.before, change.after), ("active", "churned"))
    then = look(state, compiled, state.read(Accounts).churn_at[0])
    if then is not None and change is not None:
        view.score = then.score
        before = known.band
        if before is not None or then.score is None:
            step = bands.step(
                then.card.source.bands,
                0,
                current=before or "",
                leaving_ms=None,
                score=then.score,
                now_ms=0,
                at_once=True,
            )
            yield from equal("churn.band", change.band, step.band)
    known.churned, known.band, known.findings = True, None, frozenset()
    known.segment = known.phase = known.scorecard = known.settled_ms = None


def _lives(known: Known, changes: Changes, state: AccountState, view: View, compiled: Compiled) -> Iterator[Difference]:
    expected: dict[tuple[str, str], tuple[str, str]] = {}
    unsure: set[tuple[str, str]] = set()
    if known.churned:
        expected["churn", "churn"] = "churned", "active"
    elif known.churned is None:
        unsure.add(("churn", "churn"))
    for kind, before, after in (
        ("segment", known.segment, view.segment),
        ("phase", known.phase, view.phase),
        ("scorecard", known.scorecard, view.card.source.id),
    ):
        if before is None and known.band != "":
            unsure.add((kind, kind))
        elif before is not None and before != after and known.band != "":
            expected[kind, kind] = before, after
    _expect_findings(known, changes, state, view, compiled, expected)
    for key in sorted((changes.keys() | expected.keys()) - {("band", "band")}):
        yield from _change(key, changes.get(key), expected.get(key), is_sure=key not in unsure)
    known.churned, known.segment, known.phase, known.scorecard = (
        False,
        view.segment,
        view.phase,
        view.card.source.id,
    )


def _change(
    key: tuple[str, str], change: HealthChanged | None, expected: tuple[str, str] | None, *, is_sure: bool
) -> Iterator[Difference]:
    name = key[0] if key[0] != "finding" else f"finding {key[1]}"
    if change is None:
        if expected is not None:
            yield Difference(name, NO_RECORD, " to ".join(expected))
    elif expected is not None:
        yield from pair(name, (change.before, change.after), expected)
    elif is_sure:
        yield Difference(name, f"{change.before} to {change.after}", _NO_CHANGE)


def _unknown() -> None:
    """The score against two weeks ago: no record tells it."""


def _expect_findings(
    known: Known,
    changes: Changes,
    state: AccountState,
    view: View,
    compiled: Compiled,
    expected: dict[tuple[str, str], tuple[str, str]],
) -> None:
    """Add the findings that open and clear here; where what was open is not known, each record's word is taken.

    So is it for findings that are made from the path (`TAKEN_AT_ITS_WORD`), except that none opens or clears twice;
    and under other definitions than last time, which may go on from where they left the account once, for those whose
    evidence lies between opening and clearing.
    """
    before = known.findings
    told = {name for kind, name in changes if kind == "finding"}
    opened = {name for name in told if changes["finding", name].after == "open"}
    if before is None:
        before = frozenset(name for name in told if changes["finding", name].before == "open")
    unsure = TAKEN_AT_ITS_WORD
    if known.definitions not in {"", compiled.hash}:
        either = [found(state, view, compiled.rules, is_open=names, delta_14d=_unknown) for names in (FINDINGS, ())]
        unsure |= either[0].keys() - either[1].keys()
    known.trusted += len(TAKEN_AT_ITS_WORD & told)
    judged = found(state, view, compiled.rules, is_open=before, delta_14d=_unknown)
    now = frozenset(judged.keys() - unsure | unsure & (before - told | opened))
    for name in (now ^ before) if known.findings is not None else told & (now ^ before):
        expected["finding", name] = ("clear", "open") if name in now else ("open", "clear")
    known.findings = now


def _bands(
    known: Known, change: HealthChanged | None, data: HealthChanged | MilestoneChanged, view: View
) -> Iterator[Difference]:
    """The band by hysteresis, from the one it was in; a hold as far as records bound it."""
    before = known.band
    if before is None:
        before = data.band if change is None else change.before
    elif change is not None:
        yield from equal("band.before", change.before, before)
    score, now_ms = view.score, data.point.now_ms
    wanted = "unknown" if score is None else bands.asked(view.card.source.bands, before, score)
    if score is not None and known.definitions not in {"", data.point.definitions}:
        # these definitions may go on from the band they left the account in once
        possible = {bands.asked(view.card.source.bands, band, score) for band in ("green", "yellow", "red")}
        wanted = data.band if data.band != "unknown" and data.band in possible else wanted
    is_held = view.card.hold_ms > 0 and score is not None and before not in {"", "unknown"} and view.override is None
    if change is not None:
        yield from equal("band.after", change.after, wanted)
        held_ms = None if known.settled_ms is None else now_ms - known.settled_ms
        if is_held and not known.causes & OVERRIDE and held_ms is not None and held_ms < view.card.hold_ms:
            yield Difference("band.hold_ms", held_ms, f"{view.card.hold_ms} or more")
    elif wanted != before and not is_held:
        yield Difference("band", NO_RECORD, f"{before or 'none'} to {wanted}")
    known.band = before if change is None else change.after
    if known.band == wanted:
        known.settled_ms = now_ms
    yield from equal("band", data.band, band_of(known.band))


def _common(one: Told, view: View, known: Known) -> Iterator[Difference]:
    """What every record carries for its readers."""
    data, facts = one.data, view.facts
    for field, said, wanted in (
        ("score", data.score, view.score),
        ("segment", data.segment, view.segment),
        ("phase", data.phase, view.phase),
        ("name", data.name, facts.name),
        ("owner_id", data.owner_id, facts.owner_id),
        ("arr", data.arr, facts.arr),
        ("renews_on", data.renews_on, facts.text("renews_on")),
    ):
        yield from equal(f"{one.name}.{field}", said, wanted)
    bit = _BITS.get(data.cause, 0)
    if isinstance(data, MilestoneChanged) and data.cause == "backfill":
        return  # so is a status called that was settled before it was first told
    if bit and not known.band_causes & bit:
        yield Difference(f"{one.name}.cause", data.cause, "another one: no such event was folded since")
