"""The arithmetic of the engine's benches."""

from truenorth.clock import SystemClock

from tests.benchmarks.engine.contest import _median, _times
from tests.benchmarks.engine.delay import Watch, _figures
from tests.benchmarks.engine.faust_table import fold
from tests.benchmarks.engine.load import EVENT_BYTES, SHAPES, Shape, accounts_in_turn, event_bytes
from tests.benchmarks.engine.tally import Tally


def test_every_event_has_the_same_size_and_can_be_counted() -> None:
    from truenorth.streams.counting import _happenings

    for number in (0, 999_999):
        event = event_bytes(number, "acct-000123", 1_000_000)
        assert len(event) == EVENT_BYTES
        assert _happenings.decode(event).account == "acct-000123"


def test_a_shape_gives_the_same_events_in_every_run() -> None:
    for shape in SHAPES:
        assert list(accounts_in_turn(shape, 50)) == list(accounts_in_turn(shape, 50))


def test_zipf_gives_the_first_account_most() -> None:
    turns = list(accounts_in_turn(Shape("x", 100, zipf=True), 1_000))
    assert max(set(turns), key=turns.count) == 0


def test_a_tally_tells_once_when_all_was_seen() -> None:
    tally = Tally(3)
    assert [tally.add(2), tally.add(2), tally.add(2)] == [False, True, False]
    assert tally.told["events"] == 4


def test_ratios_compare_medians_and_java_when_it_is_warm() -> None:
    def run(rate: int) -> dict[str, int]:
        return {"events": 10, "events_per_second": rate, "events_per_cpu_second": rate}

    medians = {"truenorth": _median([run(90), run(100), run(500)]), "java": {**_median([run(10)])}}
    medians["java"]["events_per_second_when_warm"] = 20
    assert _times(medians, "events_per_second") == {"java": 5.0}
    assert _times(medians, "events_per_cpu_second") == {"java": 10.0}


def test_an_event_is_out_with_the_first_total_that_includes_it() -> None:
    watch = Watch(SystemClock())
    watch.arrived["a"] = [(1.0, 1), (2.0, 3)]
    told = _figures({"a": [0.5, 0.6, 0.7, 0.8], "b": [0.1]}, watch)
    assert told["events_without_output"] == 2
    assert told["acceptance_to_output_ms"] == {"n": 3, "p50": 1300.0, "p95": 1400.0, "p99": 1400.0, "max": 1400.0}


def test_the_plain_fold_keeps_days_features_and_a_total() -> None:
    from truenorth.streams.counting import Happening

    state = {"total": 1, "days": {"1": 1}, "features": {}}
    assert fold(state, Happening("a", 2, "x", 3)) == {"total": 4, "days": {"1": 1, "2": 3}, "features": {"x": 3}}
