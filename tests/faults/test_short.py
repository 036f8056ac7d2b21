"""The short part of the faults, for every run of the tests: three workers killed, and the broker."""

import pytest
from truenorth.clock import SystemClock

from tests.faults import brokers, workers
from tests.faults.faults import Fault
from tests.faults.judge import Verdict
from tests.faults.running import run_fault
from tests.faults.scene import Scene
from tests.faults.table import Row, line, table

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def _three_workers_then_the_broker(scene: Scene, rounds: int) -> None:
    await workers.kill(scene, rounds - 1)
    await brokers.kill(scene, 1)


def test_killing_workers_and_the_broker_loses_nothing_and_doubles_nothing() -> None:
    row = run_fault(Fault("short", "three workers, then the broker", 4, _three_workers_then_the_broker), SystemClock())
    assert row.verdict.sentences == []
    assert (row.rounds, row.verdict.lost, row.verdict.doubled, row.verdict.differing) == (4, 0, 0, 0)
    assert row.verdict.changes > 0
    assert row.verdict.judged > 0


def test_a_row_says_when_a_fault_could_not_be_done() -> None:
    assert line(Row("a full disk", not_run="needs the right to mount")).startswith("| a full disk | not run: needs")


def test_a_row_with_harm_is_not_good() -> None:
    assert Row("anything").good
    harmed = Row("anything", recovery_s=[1.0, 9.0, 2.0], verdict=Verdict(lost=1))
    assert not harmed.good
    assert table([harmed]).splitlines()[-1] == "| anything | 0 | 0 | 0 | 0 | 1 | 0 | 0 | 2.0 | 9.0 |"
