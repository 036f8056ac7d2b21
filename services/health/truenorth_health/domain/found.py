"""The findings of one look at an account: what `findings.evidence` needs, gathered."""

from collections.abc import Callable, Collection

from truenorth_health.domain.findings import FindingInput, FindingRules, evidence
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.view import View


def found(
    state: AccountState,
    view: View,
    rules: FindingRules,
    *,
    is_open: Collection[str],
    delta_14d: Callable[[], float | None],
) -> dict[str, str]:
    """Return the findings that hold in ``view``, each with its evidence; see `FindingInput`."""
    return evidence(
        FindingInput(
            dimensions=view.dimension_scores,
            number_of=view.signals.get,
            delta_14d=delta_14d,
            coverage=view.scored.coverage,
            floor=view.card.source.coverage_floor,
            segment=view.segment,
            is_open=is_open,
            now_ms=view.facts.at_ms,
            rules=rules,
            left_ms=state.read(Engagements).left.get("champion", (0, ""))[0] if state.has(Engagements) else 0,
        )
    )
