"""The arithmetic of the benches."""

import pytest

from tests.benchmarks.figures import labelled, metric, percentiles


def test_percentiles_are_in_milliseconds_by_nearest_rank() -> None:
    told = percentiles([n / 1000 for n in range(1, 101)])
    assert told == {"n": 100, "p50": 50.0, "p95": 95.0, "p99": 99.0, "max": 100.0}
    assert percentiles([]) == {"n": 0}


@pytest.mark.parametrize(("name", "value"), [("a_total", 3.0), ("a", 0.0), ("b", 1e6)])
def test_a_metric_is_read_by_its_whole_name(name: str, value: float) -> None:
    assert metric("# HELP a_total x\na_total 3.0\nb 1e+06\n", name) == value


def test_a_labelled_metric_is_read_by_its_label() -> None:
    told = 'a_total{stage="fold"} 1.5\na_total{stage="decide"} 2.0\nab_total{stage="x"} 3.0\n'
    assert labelled(told, "a_total", "stage") == {"fold": 1.5, "decide": 2.0}
