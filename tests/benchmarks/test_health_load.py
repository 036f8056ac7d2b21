"""The events of the whole job."""

from collections import Counter

from truenorth.codec import parse_event
from truenorth.topics import full_name

from tests.benchmarks.engine.load import Shape
from tests.benchmarks.health_load import events_of

NOW_MS = 1_795_370_000_000
EVENTS = 2_000


def test_events_are_of_four_families_within_four_weeks_and_of_the_size_that_is_told() -> None:
    made = list(events_of(Shape("x", 50, zipf=True), EVENTS, now_ms=NOW_MS, span_ms=28 * 86_400_000, run="x"))
    counts = Counter(record.topic for record in made)
    assert counts[full_name("usage")] == EVENTS * 92 // 100
    assert set(counts) == {full_name(name) for name in ("usage", "tickets", "billing", "surveys", "engagements")}
    assert 200 <= sum(len(record.value or b"") for record in made) / EVENTS <= 250
    times = [parse_event(record.value or b"").time_ms for record in made]
    assert times == sorted(times)
    assert NOW_MS - 28 * 86_400_000 <= times[0] < times[-1] <= NOW_MS
