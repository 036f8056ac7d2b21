"""Where everything stands, for the log: when a process makes no progress, this is what tells why."""

import asyncio
import faulthandler
import io
import sys
from typing import Final

TASKS_MAX: Final = 200
FRAMES_MAX: Final = 12


def describe_tasks() -> str:
    """Return the stacks of the running loop's tasks as text: which await each of them is in."""
    told = io.StringIO()
    tasks = sorted(asyncio.all_tasks(), key=lambda task: task.get_name())
    for task in tasks[:TASKS_MAX]:
        task.print_stack(limit=FRAMES_MAX, file=told)
    if len(tasks) > TASKS_MAX:
        told.write(f"... and {len(tasks) - TASKS_MAX} more tasks\n")
    return told.getvalue()


class BlockedLoopAlarm:
    """Writes the stacks of all threads to standard error when the loop has not turned for so many seconds.

    A task cannot tell that: it does not run either. A thread of the interpreter's own waits instead, and is put off
    at every `still_turning`.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def still_turning(self) -> None:
        """Put the alarm off once more; call this from the loop, often."""
        faulthandler.dump_traceback_later(self._seconds, repeat=False, file=sys.__stderr__ or sys.stderr)

    def stop(self) -> None:
        """No alarm any more."""
        faulthandler.cancel_dump_traceback_later()
