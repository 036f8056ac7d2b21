"""Accounts that left, and accounts that were erased."""

from truenorth.events.health import DecisionPoint, HealthUpdated

from truenorth_health.domain import family, snapshot
from truenorth_health.domain import sentence as said
from truenorth_health.domain.bands import step
from truenorth_health.domain.causes import BACKFILL, cause_of
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.limits import GRAVESTONE_MS
from truenorth_health.domain.parts import Accounts, Erasures
from truenorth_health.domain.path import Frozen, Path
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.transitions import Transition, Turn, band_of, publish
from truenorth_health.domain.view import look


def is_erased(state: AccountState) -> bool:
    """Whether the account is erased and nobody has founded it anew since."""
    return state.has_erasures and state.read(Erasures).account_ms is not None and not state.read(Accounts).known


def decide_forgetting(state: AccountState, now_ms: int) -> Decided:
    """Decide what needs no definitions: the tombstone of an erased account, and the word that requests are done."""
    decided = decide_erased(state, now_ms) if is_erased(state) else Decided()
    decided.acknowledged, state.owed = state.owed, []
    return decided


def decide_erased(state: AccountState, now_ms: int) -> Decided:
    """Ask for the tombstone, once; the gravestone keeps the numbers, so that they never start anew, for its time."""
    state.causes = 0
    until_ms = (state.read(Erasures).account_ms or 0) + GRAVESTONE_MS
    if now_ms >= until_ms:
        state.clear()
        return Decided()
    if state.read(Path).tombstoned:
        return Decided(next_due_ms=until_ms)
    path = state.write(Path)
    path.tombstoned = True
    return Decided(tombstone=True, next_due_ms=until_ms, to_parents=family.leave(state.account, path, now_ms))


def decide_churned(state: AccountState, compiled: Compiled, point: DecisionPoint) -> Decided:
    """Keep the score of the moment they left, and say so once; history that arrives later may still correct it."""
    path = state.write(Path)
    frozen = state.read(Frozen)
    churned_ms = state.read(Accounts).churn_at[0]
    leaves = not path.churned
    if leaves or frozen.at_ms != churned_ms or path.pending & BACKFILL:
        frozen = _freeze(state, path, compiled, churned_ms)
    path.now_ms, path.ordinal = point.now_ms, compiled.ordinal
    view = look(state, compiled, point.now_ms, point.silent)
    if view is None:
        return Decided()
    turn = Turn(
        view=view,
        point=point,
        cause=cause_of(path.pending, definition_changed=path.scoring not in {"", compiled.scoring} and not leaves),
        score_before=path.score,
        transitions=[Transition("churn", "churn", "active", "churned")] if leaves else [],
        sentence=said.churned(churned_ms, view.facts.churn_reason),
    )
    path.score, path.band = frozen.score, frozen.band
    path.segment, path.phase, path.scorecard, path.scoring = (
        view.segment,
        view.phase,
        frozen.scorecard,
        compiled.scoring,
    )
    path.pending, path.churned, path.findings, path.leaving_ms, path.due_ms = 0, True, {}, None, None
    view.score = frozen.score
    print_ = snapshot.churn_print(view, frozen)
    decided = Decided(to_parents=family.leave(state.account, path, point.now_ms))
    if print_ == path.print and not leaves:
        return decided
    path.print, path.revision, path.published_ms = print_, path.revision + 1, point.now_ms
    publish(state, decided, turn)
    decided.snapshot = _snapshot(state, path, turn, frozen)
    return decided


def _freeze(state: AccountState, path: Path, compiled: Compiled, churned_ms: int) -> Frozen:
    """Score the account as of the moment it left."""
    view = look(state, compiled, churned_ms)
    if view is None:
        return state.read(Frozen)
    bands = view.card.source.bands
    band = step(bands, 0, current=path.band, leaving_ms=None, score=view.score, now_ms=churned_ms, at_once=True).band
    frozen = Frozen(
        at_ms=churned_ms,
        band=band,
        score=view.score,
        computed=view.scored.score,
        coverage=view.scored.coverage,
        scorecard=view.card.source.id,
        version=view.card.version,
        cut_yellow=bands.yellow.enter,
        cut_red=bands.red.enter,
        dimensions=snapshot.dimension_results(view, None),
        signals=view.signals.known(),
    )
    state.replace(frozen)
    return frozen


def _snapshot(state: AccountState, path: Path, turn: Turn, frozen: Frozen) -> HealthUpdated:
    return HealthUpdated(
        account=state.account,
        revision=path.revision,
        band=band_of(frozen.band),
        facts=turn.view.facts.public(),
        segment=turn.view.segment,
        phase=turn.view.phase,
        scorecard=frozen.scorecard,
        scorecard_version=frozen.version,
        coverage=frozen.coverage,
        dimensions=frozen.dimensions,
        signals=frozen.signals,
        sentence=turn.sentence,
        point=turn.point,
        computed_ms=frozen.at_ms,
        score=frozen.score,
        computed_score=frozen.computed,
        cut_yellow=frozen.cut_yellow,
        cut_red=frozen.cut_red,
        last_event_ms=snapshot.last_event_ms(state),
        churned=True,
        transitions=path.number,
    )
