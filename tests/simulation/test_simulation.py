"""Whatever happens to workers, the broker and the log: state and outputs are those of an oracle.

Each seed is one made-up history on the very engine that the services run; see the package's modules. A failure prints
the seed, the deeds that are left after shrinking, and how to run it again. ``SIMULATION_SEEDS`` is how many there are.
"""

import os

import pytest

from tests.simulation.deeds import History, make
from tests.simulation.run import play, report, shrink

TESTS = 20
SEEDS = int(os.environ.get("SIMULATION_SEEDS", "500"))


@pytest.mark.parametrize("part", range(TESTS))
def test_state_and_outputs_are_exact_after_any_history(part: int) -> None:
    for seed in range(part, SEEDS, TESTS):
        history = make(seed)
        verdict = play(history)
        if verdict.wrong:
            small = shrink(history, lambda tried: bool(play(tried).wrong))
            pytest.fail(report(history, verdict, small), pytrace=False)


def test_a_seed_always_gives_the_same_history_and_the_same_run() -> None:
    for seed in range(3):
        assert make(seed) == make(seed)
        assert play(make(seed)) == play(make(seed))


def test_a_history_survives_being_written_down() -> None:
    history = make(7)
    assert History.from_json(history.to_json()) == history


def test_a_failing_history_is_shrunk_to_the_deeds_that_matter() -> None:
    history = make(11)
    needed = history.deeds[5], history.deeds[20]
    small = shrink(history, lambda tried: all(deed in tried.deeds for deed in needed))
    assert tuple(small.deeds) == needed
    told = report(history, play(history)._replace(wrong=["it broke"]), small)
    assert "seed 11 fails" in told
    assert small.to_json() in told
