"""Carrying out the decision about a live account: band, findings, milestones, and what of it is published."""

from collections.abc import Mapping

from truenorth.events.health import DecisionPoint, Shadow

from truenorth_health.domain import bands, family, ladder, points, snapshot
from truenorth_health.domain import sentence as said
from truenorth_health.domain.causes import OVERRIDE, cause_of
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.due import next_due_ms
from truenorth_health.domain.findings import finding
from truenorth_health.domain.found import found as findings_in
from truenorth_health.domain.ladder import level_of
from truenorth_health.domain.milestones import Standing, standing
from truenorth_health.domain.path import MilestoneMark, Parked, Path
from truenorth_health.domain.points import Comparison
from truenorth_health.domain.scoring import evaluate
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.tiers import advise
from truenorth_health.domain.transitions import Kind, Passed, Transition, Turn, band_of, publish
from truenorth_health.domain.view import View, look


def carry_out(state: AccountState, compiled: Compiled, point: DecisionPoint) -> Decided:
    """Decide about a known, living account at ``point``."""
    now_ms = point.now_ms
    view = look(state, compiled, now_ms, point.silent)
    if view is None:
        return Decided()
    path = state.write(Path)
    points.void(state, path)
    turn = _take(state, path, view, compiled, point)
    _settle(path, view, compiled, now_ms)
    decided = Decided()
    print_ = snapshot.fingerprint(path, turn)
    if print_ != path.print or turn.transitions or turn.passed:
        path.print, path.revision, path.published_ms = print_, path.revision + 1, now_ms
        _publish(state, path, compiled, decided, turn)
    path.score = view.score
    decided.to_parents = family.tell(
        state,
        path,
        parent_id=view.facts.parent_id,
        score=view.score,
        band=band_of(path.band),
        arr=view.facts.arr,
        now_ms=now_ms,
    )
    points.keep(state, path, view)
    told = (view.facts.day, -1 if view.score is None else int(view.score + 0.5), path.band)
    if told != path.day_told:
        path.day_told = told
        decided.day = snapshot.health_day(view, state.account, path.band)
    decided.next_due_ms = path.due_ms = next_due_ms(state, now_ms, turn.hold_ends_ms)
    return decided


def _take(state: AccountState, path: Path, view: View, compiled: Compiled, point: DecisionPoint) -> Turn:
    """Step band, findings and milestones on the path; return what passed."""
    score_before = path.score
    transitions = _places(path, view) if path.band else []
    if path.churned:
        transitions.insert(0, Transition("churn", "churn", "churned", "active"))
    stood = _stood(path, compiled.scoring)
    hold_ends_ms, moved = _band(path, view, stood, point.now_ms)
    compared = Comparison(state, view, compiled)
    found = findings_in(state, view, compiled.rules, is_open=stood.findings, delta_14d=compared.delta)
    transitions += [*moved, *_findings(path, found, stood, point.now_ms)]
    standings, passed = _milestones(state, path, view, compiled)
    level = level_of(compiled.ladder, view.number_of) if compiled.ladder else None
    return Turn(
        view=view,
        point=point,
        cause=cause_of(path.pending, definition_changed=path.scoring not in {"", compiled.scoring}),
        score_before=score_before,
        transitions=transitions,
        passed=passed,
        standings=standings,
        findings=[finding(name, path.findings[name], words_for_it) for name, words_for_it in found.items()],
        hold_ends_ms=hold_ends_ms,
        compared=compared,
        level=level,
        shadow=_shadow(path, view, compiled),
    )


def _shadow(path: Path, view: View, compiled: Compiled) -> Shadow | None:
    """Score by the shadow scorecard, which has a band of its own and no effect."""
    card = compiled.shadow_of(view.segment)
    if card is None:
        path.shadow = ("", "")
        return None
    scored = evaluate(card, view.signals.need(card.families), view.usage_factor, view.facts.age_days)
    score = scored.score if scored.coverage >= card.source.coverage_floor else None
    before = path.shadow[1] if path.shadow[0] == card.source.id else ""
    band = "unknown" if score is None else bands.asked(card.source.bands, before, score)
    path.shadow = (card.source.id, band)
    return Shadow(card.source.id, card.version, band_of(band), score, scored.coverage)


def _publish(state: AccountState, path: Path, compiled: Compiled, decided: Decided, turn: Turn) -> None:
    turn.sentence = said.compose(
        turn.view,
        path,
        was=None if turn.was is None else turn.was.contributions,
        delta=turn.delta,
        standings=turn.standings,
    )
    turn.rung = ladder.stand(compiled.ladder, turn.view.number_of)
    turn.advice = advise(compiled.tiers, turn.view.facts, turn.level)
    publish(state, decided, turn)
    decided.snapshot = snapshot.health_updated(state, path, turn)


def _places(path: Path, view: View) -> list[Transition]:
    """Return the changes of segment, phase and scorecard."""
    pairs: tuple[tuple[Kind, str, str], ...] = (
        ("segment", path.segment, view.segment),
        ("phase", path.phase, view.phase),
        ("scorecard", path.scorecard, view.card.source.id),
    )
    return [Transition(kind, kind, before, after) for kind, before, after in pairs if before != after]


def _stood(path: Path, scoring: str) -> Parked:
    """Return where the account stands as far as hysteresis and holds go.

    Definitions that come back find it where they left it: trying others out and taking them back leaves no trace.
    """
    now = Parked(path.scoring, path.band, path.leaving_ms, path.leaving_causes, path.findings)
    if path.scoring in {"", scoring}:
        return now
    before, path.parked = path.parked, now
    return before if before is not None and before.scoring == scoring else now


def _band(path: Path, view: View, stood: Parked, now_ms: int) -> tuple[int | None, list[Transition]]:
    """Step the band; return when a held change is due, and the crossing if there is one."""
    at_once = bool(path.pending & OVERRIDE) or view.override is not None
    step = bands.step(
        view.card.source.bands,
        view.card.hold_ms,
        current=stood.band,
        leaving_ms=stood.leaving_ms,
        score=view.score,
        now_ms=now_ms,
        at_once=at_once,
    )
    path.leaving_causes = path.pending if stood.leaving_ms is None else stood.leaving_causes
    before, path.band, path.leaving_ms = path.band, step.band, step.leaving_ms
    if before == step.band:
        path.leaving_causes = 0 if step.leaving_ms is None else path.leaving_causes
        return step.due_ms, []
    path.pending |= path.leaving_causes
    path.leaving_causes = 0
    return step.due_ms, [Transition("band", "band", before, step.band)]


def _findings(path: Path, found: Mapping[str, str], stood: Parked, now_ms: int) -> list[Transition]:
    opened = [name for name in found if name not in path.findings]
    cleared = [name for name in path.findings if name not in found]
    if opened or cleared:
        since = path.findings | stood.findings
        path.findings = {name: since.get(name, now_ms) for name in found}
    return [Transition("finding", name, "clear", "open") for name in opened] + [
        Transition("finding", name, "open", "clear") for name in cleared
    ]


def _milestones(state: AccountState, path: Path, view: View, compiled: Compiled) -> tuple[list[Standing], list[Passed]]:
    """Return where each milestone of the account's segment stands, and those whose status passed."""
    standings: list[Standing] = []
    passed: list[Passed] = []
    marks: dict[str, MilestoneMark] = {}
    entitled = compiled.entitled(view.facts)
    for one in compiled.milestones:
        if one.source.segments and view.segment not in one.source.segments:
            continue
        mark = path.milestones.get(one.source.id)
        now = standing(state, view.facts, one, mark, entitled)
        if now is None:
            continue
        standings.append(now)
        marks[one.source.id] = now.mark
        before = "" if mark is None else mark.status
        if now.mark.status != before and (before or now.mark.status != "pending"):
            passed.append(Passed(now, before, is_past=not before and now.is_past))
    if marks != path.milestones:
        path.milestones = marks
    return standings, passed


def _settle(path: Path, view: View, compiled: Compiled, now_ms: int) -> None:
    """Write down what this decision was made with."""
    path.now_ms, path.ordinal, path.scoring = now_ms, compiled.ordinal, compiled.scoring
    path.segment, path.phase, path.scorecard = view.segment, view.phase, view.card.source.id
    path.pending, path.churned = 0, False
