"""When nothing moves, the log says where everything stands."""

import asyncio
import subprocess
import sys

from truenorth.stacks import describe_tasks

BLOCKED = """
import asyncio, time
from truenorth.stacks import BlockedLoopAlarm

def a_call_that_never_ends():
    time.sleep(1.5)

async def main():
    alarm = BlockedLoopAlarm(0.3)
    alarm.still_turning()
    a_call_that_never_ends()
    alarm.stop()

asyncio.run(main())
"""


async def test_every_task_is_told_with_the_await_it_is_in() -> None:
    async def waits_for_ever() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(waits_for_ever(), name="stuck-one")
    await asyncio.sleep(0)
    told = describe_tasks()
    task.cancel()
    assert "stuck-one" in told
    assert "waits_for_ever" in told


def test_a_blocked_loop_tells_the_line_that_blocks_it() -> None:
    told = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, check=True).stderr
    assert "a_call_that_never_ends" in told


def test_a_loop_that_turns_is_left_in_peace() -> None:
    quiet = BLOCKED.replace("time.sleep(1.5)", "pass")
    told = subprocess.run([sys.executable, "-c", quiet], capture_output=True, text=True, check=True).stderr
    assert not told
