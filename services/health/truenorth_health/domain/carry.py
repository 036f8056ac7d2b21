"""Carrying out the decision about a live account: band, findings, milestones, and what of it is published."""

from collections.abc import Mapping

from truenorth.events.health import DecisionPoint, Finding

from truenorth_health.domain import bands, points, snapshot
from truenorth_health.domain import sentence as said
from truenorth_health.domain.causes import OVERRIDE, cause_of
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.due import next_due_ms
from truenorth_health.domain.findings import evidence, finding
from truenorth_health.domain.milestones import Standing, standing
from truenorth_health.domain.path import MilestoneMark, Path
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.transitions import Kind, Passed, Transition, Turn, publish
from truenorth_health.domain.view import View, look


def carry_out(state: AccountState, compiled: Compiled, point: DecisionPoint) -> Decided:
    """Decide about a known, living account at ``point``."""
    now_ms = point.now_ms
    view = look(state, compiled, now_ms)
    if view is None:
        return Decided()
    path = state.write(Path)
    before_score, first = path.score, path.band == ""
    transitions = _places(path, view) if not first else []
    if path.churned:
        transitions.insert(0, Transition("churn", "churn", "churned", "active"))
    due_band_ms, moved = _band(path, view, now_ms)
    transitions += moved
    finding_words = evidence(
        state,
        view.dimension_scores,
        coverage=view.scored.coverage,
        floor=view.card.source.coverage_floor,
        is_open=path.findings,
        now_ms=now_ms,
    )
    transitions += _findings(path, finding_words, now_ms)
    standings, passed = _milestones(state, path, view, compiled)
    turn = Turn(
        view=view,
        point=point,
        cause=cause_of(path.pending, definition_changed=path.scoring not in {"", compiled.scoring}),
        score_before=before_score,
        transitions=transitions,
        passed=passed,
    )
    points.void(state, path)
    _settle(path, view, compiled, now_ms)
    decided = Decided()
    print_ = snapshot.fingerprint(view, path, standings)
    if print_ != path.print or transitions or passed:
        turn.was = points.baseline(state, view, compiled)
        path.print, path.revision, path.published_ms = print_, path.revision + 1, now_ms
        findings = [finding(name, path.findings[name], text) for name, text in finding_words.items()]
        _publish(state, decided, turn, findings, standings)
    path.score = view.score
    points.keep(state, path, view)
    told = (view.facts.day, -1 if view.score is None else int(view.score + 0.5), path.band)
    if told != path.day_told:
        path.day_told = told
        decided.day = snapshot.health_day(view, state.account, path.band)
    decided.next_due_ms = path.due_ms = next_due_ms(state, now_ms, due_band_ms)
    return decided


def _publish(
    state: AccountState, decided: Decided, turn: Turn, findings: list[Finding], standings: list[Standing]
) -> None:
    path, view = state.read(Path), turn.view
    turn.sentence = said.compose(
        view,
        path,
        was=None if turn.was is None else turn.was.contributions,
        delta=turn.delta,
        standings=standings,
    )
    publish(state, decided, turn)
    decided.snapshot = snapshot.health_updated(
        state,
        path,
        turn,
        help_text=said.help_text(view, path.band),
        findings=findings,
        standings=standings,
    )


def _places(path: Path, view: View) -> list[Transition]:
    """Return the changes of segment, phase and scorecard."""
    pairs: tuple[tuple[Kind, str, str], ...] = (
        ("segment", path.segment, view.segment),
        ("phase", path.phase, view.phase),
        ("scorecard", path.scorecard, view.card.source.id),
    )
    return [Transition(kind, kind, before, after) for kind, before, after in pairs if before != after]


def _band(path: Path, view: View, now_ms: int) -> tuple[int | None, list[Transition]]:
    """Step the band; return when a held change is due, and the crossing if there is one."""
    at_once = bool(path.pending & OVERRIDE) or view.override is not None
    step = bands.step(
        view.card.source.bands,
        view.card.hold_ms,
        current=path.band,
        leaving_ms=path.leaving_ms,
        score=view.score,
        now_ms=now_ms,
        at_once=at_once,
    )
    if step.leaving_ms is not None and path.leaving_ms is None:
        path.leaving_causes = path.pending
    before, path.band, path.leaving_ms = path.band, step.band, step.leaving_ms
    if before == step.band:
        return step.due_ms, []
    path.pending |= path.leaving_causes
    path.leaving_causes = 0
    return step.due_ms, [Transition("band", "band", before, step.band)]


def _findings(path: Path, found: Mapping[str, str], now_ms: int) -> list[Transition]:
    opened = [name for name in found if name not in path.findings]
    cleared = [name for name in path.findings if name not in found]
    if opened or cleared:
        path.findings = {name: path.findings.get(name, now_ms) for name in found}
    return [Transition("finding", name, "clear", "open") for name in opened] + [
        Transition("finding", name, "open", "clear") for name in cleared
    ]


def _milestones(state: AccountState, path: Path, view: View, compiled: Compiled) -> tuple[list[Standing], list[Passed]]:
    """Return where each milestone of the account's segment stands, and those whose status passed."""
    standings: list[Standing] = []
    passed: list[Passed] = []
    marks: dict[str, MilestoneMark] = {}
    for one in compiled.milestones:
        if one.source.segments and view.segment not in one.source.segments:
            continue
        mark = path.milestones.get(one.source.id)
        now = standing(state, view.facts, one, mark)
        if now is None:
            continue
        standings.append(now)
        marks[one.source.id] = now.mark
        before = "" if mark is None else mark.status
        if now.progress.status != before and (before or now.progress.status != "pending"):
            passed.append(Passed(now, before, is_past=not before and now.is_past))
    if marks != path.milestones:
        path.milestones = marks
    return standings, passed


def _settle(path: Path, view: View, compiled: Compiled, now_ms: int) -> None:
    """Write down what this decision was made with."""
    path.now_ms, path.ordinal, path.scoring = now_ms, compiled.ordinal, compiled.scoring
    path.segment, path.phase, path.scorecard = view.segment, view.phase, view.card.source.id
    path.pending, path.churned = 0, False
