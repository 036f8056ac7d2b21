"""Checks of what is told beside the score: findings, the ladder, recommended tiers, and when a source is silent."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from truenorth.definitions import findings as words
from truenorth.definitions.findings import Found
from truenorth.definitions.model import Condition, Definitions, FindingRule, Rung, Tier
from truenorth.definitions.signals import BY_NAME, FINDINGS

_LEVELS: Final = ("satisfaction", "loyalty", "advocacy")
_SCORE: Final = "score"
_TOP: Final = 100


class _Number(NamedTuple):
    """What a finding's limit is: from ``least`` to ``most``; it opens above it, or else at or below it."""

    what: str
    least: float
    most: float
    opens_above: bool


_NUMBERS: Final[dict[str, _Number]] = {
    "watermelon": _Number("a score", 0, 100, opens_above=False),
    "misfit": _Number("a score of usage", 0, 100, opens_above=True),
    "buyer_unseen": _Number("days", 1, 90, opens_above=True),
    "single_threaded": _Number("contacts", 0, 1_000, opens_above=False),
    "consumption_gap": _Number("a share", 0, 1, opens_above=True),
    "score_against_revenue": _Number("points", 0, 100, opens_above=True),
    "no_recent_data": _Number("a share", 0, 1, opens_above=False),
}


def findings(definitions: Definitions) -> Iterator[Found]:
    """Check the rules of findings: names, limits on their right sides, and that each rule is ever used."""
    segments = [segment.id for segment in definitions.segments]
    for index, rule in enumerate(definitions.findings):
        path = f"findings[{index}]"
        yield from words.unknown_reference(f"{path}.id", rule.id, FINDINGS, "finding")
        for place, segment in enumerate(rule.segments):
            yield from words.unknown_reference(f"{path}.segments[{place}]", segment, segments, "segment")
        yield from _limits(rule, path)
        for earlier in definitions.findings[:index]:
            if earlier.id == rule.id and _takes_all(earlier.segments, rule.segments):
                message = f"never used: a rule for {rule.id!r} before it takes all its segments"
                yield Found("finding_unreachable", path, message)
                break


def _takes_all(earlier: Sequence[str], later: Sequence[str]) -> bool:
    """Whether a rule for the earlier segments leaves nothing to one for the later ones; none means all."""
    return not earlier or (bool(later) and set(later) <= set(earlier))


def _limits(rule: FindingRule, path: str) -> Iterator[Found]:
    number = _NUMBERS.get(rule.id)
    given = [(name, value) for name in ("limit", "clear") if (value := getattr(rule, name)) is not None]
    if rule.off:
        for name, _ in given:
            yield Found("limit_unused", f"{path}.{name}", "the finding is off; leave its numbers out")
        return
    for name, value in given:
        if number is None:
            message = f"{rule.id!r} is there or it is not; it has no {name}"
            yield Found("limit_unused", f"{path}.{name}", message)
        elif not number.least <= value <= number.most:
            message = f"{value:g} can never be met; {name} is {number.what} from {number.least:g} to {number.most:g}"
            yield Found("limit_out_of_range", f"{path}.{name}", message)
    if rule.clear is not None and rule.limit is None and number is not None:
        yield Found("limit_missing", path, "clear goes with a limit; give the limit that opens it as well")
    if rule.clear is None or rule.limit is None or number is None:
        return
    if (rule.clear > rule.limit) if number.opens_above else (rule.clear < rule.limit):
        side, way = ("above", "at or below") if number.opens_above else ("below", "at or above")
        message = f"it opens {side} {rule.limit:g}, so that it can only clear {way} that, not at {rule.clear:g}"
        yield Found("clear_before_open", f"{path}.clear", message)


def ladder(definitions: Definitions) -> Iterator[Found]:
    """Check the order of rungs, their conditions, and that nobody becomes an advocate by usage alone."""
    highest = -1
    for index, rung in enumerate(definitions.ladder):
        path = f"ladder[{index}]"
        height = _LEVELS.index(rung.level)
        if height < highest:
            yield Found("ladder_out_of_order", f"{path}.level", f"rungs go up: {', '.join(_LEVELS)}")
        highest = max(highest, height)
        for place, one in enumerate(rung.conditions):
            yield from _condition(one, f"{path}.conditions[{place}]")
        if rung.level == "advocacy" and not any(_is_said(one) for one in rung.conditions):
            message = (
                "an advocate is never found by usage alone; ask for something they said or did as well "
                "(nps, advocacy_365d, active_contacts_90d)"
            )
            yield Found("advocacy_by_usage", path, message)
        yield from _contradictions(rung, path)


def _is_said(condition: Condition) -> bool:
    """Whether a condition is about something else than usage; a score may be made of usage alone."""
    signal = BY_NAME.get(condition.of)
    return signal is not None and signal.source != "usage"


def _condition(condition: Condition, path: str) -> Iterator[Found]:
    yield from words.unknown_signal(f"{path}.of", condition.of, also=(_SCORE,))
    yield from words.unknown_placeholders(f"{path}.why", condition.why, ("value",))
    least, below = condition.at_least, condition.below
    if least is None and below is None:
        yield Found("condition_missing", path, "say how much: at_least, below, or both")
    if least is not None and below is not None and least >= below:
        yield Found("condition_never", path, f"nothing is at least {least:g} and below {below:g}")
    if condition.of != _SCORE:
        return
    if least is not None and least > _TOP:
        yield Found("condition_never", f"{path}.at_least", "no score is above 100")
    if below is not None and below <= 0:
        yield Found("condition_never", f"{path}.below", "no score is below 0")


def _contradictions(rung: Rung, path: str) -> Iterator[Found]:
    for place, one in enumerate(rung.conditions):
        for other in rung.conditions[:place]:
            if one.of != other.of:
                continue
            least = max((value for value in (one.at_least, other.at_least) if value is not None), default=None)
            below = min((value for value in (one.below, other.below) if value is not None), default=None)
            if least is not None and below is not None and least >= below:
                message = f"{one.of} cannot be at least {least:g} and below {below:g} at once"
                yield Found("condition_never", f"{path}.conditions[{place}]", message)


def tiers(definitions: Definitions) -> Iterator[Found]:
    """Check that tiers come highest first and that each can be recommended."""
    for index, tier in enumerate(definitions.tiers):
        path = f"tiers[{index}]"
        yield from _reasons(tier, path, is_last=index == len(definitions.tiers) - 1)
        for name in ("arr_from", "potential_arr_from"):
            yield from _descending(definitions.tiers[:index], tier, name, f"{path}.{name}")
        first = next((one.id for one in definitions.tiers[:index] if one.advocates), None)
        if tier.advocates and first is not None:
            yield Found("tier_unreachable", f"{path}.advocates", f"{first!r} comes before it and takes all advocates")


def _reasons(tier: Tier, path: str, *, is_last: bool) -> Iterator[Found]:
    asked = tier.arr_from is not None or tier.potential_arr_from is not None or tier.promised or tier.advocates
    if not asked and not is_last:
        message = "never recommended: give it a reason (arr_from, potential_arr_from, promised, advocates)"
        yield Found("tier_unreachable", path, message)


def _descending(before: Sequence[Tier], tier: Tier, name: str, path: str) -> Iterator[Found]:
    limit = getattr(tier, name)
    lowest = min((value for one in before if (value := getattr(one, name)) is not None), default=None)
    if limit is not None and lowest is not None and limit >= lowest:
        message = f"tiers go from the highest down, but {limit} comes after {lowest}, which takes all that it would"
        yield Found("tiers_out_of_order", path, message)


def sources(definitions: Definitions) -> Iterator[Found]:
    """Check that a source has some time to be quiet, and not for ever."""
    for index, source in enumerate(definitions.sources):
        yield from words.too_long(f"sources[{index}].silent_after", source.silent_after)
        if not source.silent_after.rstrip("smhbd").strip("0"):
            message = "after no time at all every source is silent; give it longer than it is ever quiet"
            yield Found("silent_at_once", f"sources[{index}].silent_after", message)
