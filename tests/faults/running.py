"""Running faults, each on a platform of its own."""

import asyncio
import sys

from aiokafka.errors import KafkaError
from truenorth.clock import Clock
from truenorth.errors import TruenorthError

from tests.faults.faults import Fault
from tests.faults.ground import Ground, NotRunError
from tests.faults.scene import scene_on
from tests.faults.table import Row


def run_fault(fault: Fault, clock: Clock, *, rounds: int | None = None, seed: int = 7) -> Row:
    """Do one fault and return its row; the platform's folder stays when something went wrong."""
    began_s = clock.monotonic()
    ground = Ground(clock)
    row = Row(fault.says)
    try:
        fault.prepare(ground)
        ground.start()
        asyncio.run(_rounds(fault, ground, clock, row, rounds or fault.rounds, seed))
    except NotRunError as error:
        row.not_run = str(error)
    except (TruenorthError, KafkaError, OSError, TimeoutError) as error:
        row.verdict.say([f"the round could not be ended: {type(error).__name__}: {error}"])
    finally:
        row.seconds = clock.monotonic() - began_s
        ground.end(keep=not row.good)
    if not row.good:
        sys.stderr.write(f"{fault.name}: what was said is in {ground.folder / 'logs'}\n")
    return row


async def _rounds(fault: Fault, ground: Ground, clock: Clock, row: Row, rounds: int, seed: int) -> None:
    async with scene_on(ground, clock, seed=seed, workers=fault.workers) as scene:
        try:
            await fault.do(scene, rounds)
            row.verdict = await scene.verdict()
        finally:
            row.rounds, row.recovery_s, row.remarks = scene.rounds, scene.recovery_s, scene.remarks
            row.again = scene.load.ledger.again
            row.verdict.accepted = len(scene.load.ledger.accepted)
