"""An explanation as lines of at most 120 columns."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Final

from truenorth import codec, words

from truenorth_health.domain.explained import Behind
from truenorth_health.domain.explanation import DimensionTold, Explanation, MeasureTold

WIDTH: Final = 120
_NAME: Final = 34
_SIGNAL: Final = 22
_STATUSES: Final = {
    "erased": "This account was erased on request. Nothing is kept of it, so there is nothing to explain.",
    "provisional": "Provisional: {events} are known, but nobody has sent its account.updated yet. It is not scored.",
    "nothing": "Nothing was known of it at that time.",
    "no_scorecard": "It is known, but no scorecard applies to it: the definitions in force have none for its segment.",
}


def lines(said: Explanation) -> list[str]:
    """Return the explanation as text."""
    return [part for line in _lines(said) for part in _fitted(line)]


def _fitted(line: str) -> list[str]:
    if len(line) <= WIDTH:
        return [line]
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, WIDTH, subsequent_indent=f"{indent}  ", drop_whitespace=True) or [line]


def _lines(said: Explanation) -> Iterator[str]:
    yield f"{said.account}  {said.name}".rstrip()
    if said.status in _STATUSES:
        yield "  " + _STATUSES[said.status].format(events=words.plural(said.events, "event"))
    else:
        yield from _head(said)
        yield from _table(said)
        yield from _beside(said)
    if said.since is not None:
        yield from _since(said)
    for note in said.notes:
        yield f"note: {note}"


def _head(said: Explanation) -> Iterator[str]:
    score = words.shown_or_dash(said.score)
    coverage = words.percent(said.coverage * 100)
    yield f"  score {score}, {said.band}   (exactly {_exact(said.score)}; coverage {coverage})"
    segment, phase = said.segment or "no segment", said.phase or "no phase"
    yield f"  scorecard {said.scorecard} {said.scorecard_version}   segment {segment}   phase {phase}"
    yield f"  at {codec.rfc3339(said.at_ms)} from {words.plural(said.events, 'event')}, definitions {said.definitions}"
    if said.status == "churned":
        yield "  churned: this is the last score, of the moment it left"
    if said.override is not None:
        yield f"  set by a person: {said.override}; the computed score beside it is {_exact(said.computed)}"
    elif said.score is None and said.computed is not None:
        yield f"  too little of its data is fresh for a score; what there is would give {_exact(said.computed)}"
    if said.published is not None:
        one = said.published
        when = codec.rfc3339(one.computed_ms)
        yield f"  published: {words.shown_or_dash(one.score)}, {one.band}, revision {one.revision} of {when}"
        yield from (f"  differs: {text}" for text in one.differs)
    if said.sentence:
        yield f"  {said.sentence}"


def _table(said: Explanation) -> Iterator[str]:
    yield ""
    yield _row("", "signal", "score", "points", "of", "14 d ago", "change")
    children = [] if said.rolled_up is None else said.rolled_up.children
    parts = [one.contribution for one in said.measures] + [child.contribution for child in children]
    tenths = iter(rounded_together(parts, said.computed or 0.0))
    listed: set[tuple[str, ...]] = set()
    for dimension in said.dimensions:
        mine = [next(tenths) for _ in dimension.measures]
        yield _row(dimension.name, "", *_cells(dimension, sum(mine)))
        for measure, points in zip(dimension.measures, mine, strict=True):
            display = ("~" if measure.approximate else "") + measure.display + ("" if measure.fresh else " (silent)")
            yield _row(f"  {measure.name}", display, *_cells(measure, points))
            if measure.value is not None or measure.events.count:
                yield from _events(measure.events, listed)
    if said.rolled_up is not None:
        yield _row(f"Children ({said.rolled_up.how.replace('_', ' ')})", "", "", "", "", "", "")
    for child in children:
        cells = (words.shown_or_dash(child.score), words.points(next(tenths) / 10), "", "", "")
        yield _row(f"  {child.account}", child.band, *cells)
    total = "–" if said.computed is None else words.points(said.computed)
    yield _row("Sum of the contributions", "", "", total, "", "", "")


def rounded_together(parts: Sequence[float], total: float) -> list[int]:
    """Return the parts in tenths so that they add up to ``total`` in tenths: what was cut off most is rounded up."""
    cut = [int(part * 10) for part in parts]
    missing = words.shown(total * 10) - sum(cut)
    by_rest = sorted(range(len(parts)), key=lambda at: (cut[at] - parts[at] * 10, at))
    for at in by_rest[: max(0, missing)]:
        cut[at] += 1
    return cut


def _row(name: str, signal: str, score: str, points: str, of: str, was: str, change: str) -> str:
    cut = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
    left = f"  {cut:<{_NAME}}{signal:>{_SIGNAL}}"
    return f"{left}{score:>8}{points:>12}{of:>8}{was:>10}{change:>9}".rstrip()


def _cells(one: DimensionTold | MeasureTold, tenths: int) -> tuple[str, str, str, str, str]:
    score = words.shown_or_dash(one.score)
    was = "–" if one.was is None else words.points(one.was)
    change = "–" if one.change is None else _signed(one.change)
    return score, words.points(tenths / 10), words.points(one.of), was, change


def _events(behind: Behind, listed: set[tuple[str, ...]]) -> Iterator[str]:
    """Yield the events behind a measure; those that are ``listed`` already are not listed again."""
    span = "ever" if behind.days is None else "today" if behind.days == 1 else f"in {behind.days} days"
    if behind.is_open:
        span = "of what is open"
    if not behind.count:
        yield "        none is open" if behind.is_open else f"        no event {span}"
        return
    latest = tuple(one.id for one in behind.latest)
    is_listed = latest in listed
    listed.add(latest)
    yield f"        {words.plural(behind.count, 'event')} {span}; the latest{' as above' if is_listed else ':'}"
    for one in () if is_listed else behind.latest:
        yield f"          {codec.rfc3339(one.time_ms)[:16]}Z  {one.type}  {one.told}  id {one.id}"


def _beside(said: Explanation) -> Iterator[str]:
    """Yield what stands beside the score."""
    yield ""
    for text in said.exceptions:
        yield f"  exception: {text}"
    for finding in said.findings:
        opened = codec.rfc3339(finding.opened_ms)[:10]
        yield f"  finding: {finding.name} ({finding.severity}), open since {opened}: {finding.evidence}"
    for one in said.milestones:
        left = "" if one.days_left is None else f", {words.days(one.days_left)} left"
        late = ", late" if one.late else ""
        done = "" if one.reached_on is None else f" on {one.reached_on}"
        missing = f"; missing {', '.join(one.missing)}" if one.missing else ""
        yield f"  milestone: {one.name}: {one.status}{done}{late}, {one.have} of {one.need}{left}{missing}"
    if said.ladder is not None:
        yield f"  ladder: {said.ladder.level}" + (f": {'; '.join(said.ladder.reasons)}" if said.ladder.reasons else "")
        yield from (f"    the next rung lacks: {text}" for text in said.ladder.next)
    if said.tier_advice is not None:
        yield f"  recommended tier: {said.tier_advice.tier}: {'; '.join(said.tier_advice.reasons)}"
    if said.shadow is not None:
        shadow = words.shown_or_dash(said.shadow.score)
        yield f"  shadow scorecard {said.shadow.scorecard}: {shadow}, {said.shadow.band}"
    if said.helps:
        for help_ in said.helps:
            told = help_.text or f"{help_.measure} gives back up to {words.points(help_.points)} points"
            yield f"  would help: {told}"
    elif said.help:
        yield f"  would help most: {said.help}"


def _since(said: Explanation) -> Iterator[str]:
    since = said.since
    if since is None:
        return
    yield ""
    yield f"  Since then, until {codec.rfc3339(since.until_ms)}:"
    if since.status not in {"scored", "churned"} or since.change is None:
        yield f"    it is {since.status.replace('_', ' ')} now"
        return
    before, after = words.shown_or_dash(said.score), words.shown_or_dash(since.score)
    yield f"    score {before} {said.band} -> {after} {since.band}; computed {_signed(since.change)} points"
    for one in since.drivers:
        yield f"    {_signed(one.points):>7}  {one.name}: {one.before} -> {one.after}"


def _signed(value: float) -> str:
    told = words.points(abs(value))
    if told == "0.0":
        return "±0.0"
    return f"+{told}" if value > 0 else f"{words.MINUS}{told}"


def _exact(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
