"""``decide``: from state, path, definitions and a clock to outputs. It changes the path and nothing else."""

from collections.abc import Mapping

import msgspec
from truenorth.events.health import DecisionPoint

from truenorth_health.domain.carry import carry_out
from truenorth_health.domain.compiled import Compiled, compile_definitions
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.gone import decide_churned, decide_forgetting, is_erased
from truenorth_health.domain.limits import DECIDE_EVERY_MS, PUBLISH_EVERY_MS
from truenorth_health.domain.parts import Accounts
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState

__all__ = ["Compiled", "Decided", "compile_definitions", "decide"]


def decide(
    state: AccountState,
    compiled: Compiled,
    *,
    offsets: Mapping[str, int],
    now_ms: int,
    silent: Mapping[str, int] | None = None,
) -> Decided:
    """Decide about one account at ``now_ms``; ``offsets`` are the last folded ones per source topic.

    ``silent``: sources that are silent for everybody, and since when (epoch ms).

    Neither the clock nor the definitions' ordinal ever runs backwards for an account: an earlier ``now_ms`` counts
    as the latest one used, and with older definitions than the last ones used nothing is decided. A provisional
    account is not scored and not published. Within a second of its last publication, or half a second of a decision
    that told nothing, nothing is decided either; what was folded meanwhile is remembered, so that the cause of a
    later change is the right one. Erasures folded since are acknowledged in any case.
    """
    erased = is_erased(state)
    forgotten = decide_forgetting(state, now_ms)
    if erased:
        return forgotten
    decided = _decide(
        state, compiled, DecisionPoint(dict(offsets), compiled.hash, compiled.ordinal, now_ms, dict(silent or {}))
    )
    decided.acknowledged = forgotten.acknowledged
    return decided


def put_off(state: AccountState, compiled: Compiled, now_ms: int) -> int | None:
    """Return when to come back where `decide` would decide and hand out nothing; None where it has to be asked.

    Most turns of a busy account end here, and all turns of a worker that catches up: spared are the outputs.
    """
    path = state.read(Path)
    if state.owed or state.has_erasures or not path.now_ms:  # never decided: it may be provisional
        return None
    now_ms = max(now_ms, path.now_ms)
    if compiled.ordinal >= path.ordinal and now_ms >= _ready_ms(path):
        return None
    _remember(state, path)
    return _later(path, compiled, now_ms)


def _decide(state: AccountState, compiled: Compiled, asked: DecisionPoint) -> Decided:
    path = state.read(Path)
    if not state.read(Accounts).known:
        return Decided()
    now_ms = max(asked.now_ms, path.now_ms)
    if compiled.ordinal < path.ordinal or now_ms < _ready_ms(path):
        _remember(state, path)
        return Decided(next_due_ms=_later(path, compiled, now_ms))
    _remember(state, path)
    point = asked if now_ms == asked.now_ms else msgspec.structs.replace(asked, now_ms=now_ms)
    if state.read(Accounts).churned:
        return decide_churned(state, compiled, point)
    return carry_out(state, compiled, point)


def _remember(state: AccountState, path: Path) -> None:
    """Move the causes folded since the last decision into the path."""
    if state.causes | path.pending != path.pending:
        state.write(Path).pending |= state.causes
    state.causes = 0


def _later(path: Path, compiled: Compiled, now_ms: int) -> int:
    """Return when to come back, having decided nothing.

    That is as soon as it may be, also where nothing was folded: definitions or silent sources may be why it was asked.
    """
    return now_ms + PUBLISH_EVERY_MS if compiled.ordinal < path.ordinal else _ready_ms(path)


def _ready_ms(path: Path) -> int:
    """Return from when on a busy account is decided again; a quiet one is ready long since."""
    return max(path.published_ms + PUBLISH_EVERY_MS, path.now_ms + DECIDE_EVERY_MS if path.now_ms else 0)
