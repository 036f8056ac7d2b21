"""The simulator catches each mistake it was built to catch.

Beside each: how many seeds that took, from 0 on.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import pytest
from truenorth.streams.memory import Assignor, by_range, by_turns

from tests.simulation import mutants
from tests.simulation.deeds import make
from tests.simulation.program import Program
from tests.simulation.run import play
from tests.simulation.worker import ProgramMaker

SEEDS_MAX = 300


def seeds_needed(
    mutant: Callable[[], AbstractContextManager[None]],
    *,
    program: ProgramMaker = Program,
    assignor: Assignor = by_range,
) -> int | None:
    with mutant():
        for seed in range(SEEDS_MAX):
            if wrong := play(make(seed), make=program, assignor=assignor).wrong:
                assert not [
                    told for told in wrong if "TypeError" in told or "AttributeError" in told
                ]  # a broken mutant
                return seed + 1
    return None


@pytest.mark.parametrize(
    "mutant",
    [
        mutants.positions_before_the_transaction,  # 1
        mutants.positions_after_the_transaction,  # 1
        mutants.positions_taken_late,  # 120
        mutants.reading_before_fencing,  # 56
        mutants.continuing_from_memory_after_a_failed_commit,  # 1
        mutants.deliveries_not_checked,  # 21
        mutants.group_offsets_as_truth,  # 4
        mutants.seen_ids_outside_the_transaction,  # 4
        mutants.due_times_while_behind,  # 1
    ],
    ids=lambda mutant: mutant.__name__,
)
def test_a_wrong_engine_is_caught(mutant: Callable[[], AbstractContextManager[None]]) -> None:
    assert seeds_needed(mutant) is not None


@pytest.mark.parametrize(
    "program",
    [
        mutants.NoGravestone,  # 1
        mutants.DefinitionsWithoutOrder,  # 26
    ],
)
def test_a_wrong_program_is_caught(program: type[Program]) -> None:
    assert seeds_needed(nullcontext, program=program) is not None


def test_round_robin_assignment_is_caught() -> None:  # 2
    assert seeds_needed(nullcontext, assignor=by_turns) is not None
