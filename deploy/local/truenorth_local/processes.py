"""A child process of the stack: its log, its identity, its end."""

import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Final

import psutil

LOG_BYTES_MAX: Final = 20_000_000
STOP_SECONDS: Final = 20.0
LEFTOVER_SECONDS: Final = 8.0


class Log:
    """A log file of limited size: when it is full, it becomes ``<name>.1`` and a new one begins."""

    def __init__(self, path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
        self.path = path
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._file: IO[bytes] = path.open("ab")

    def write(self, line: bytes) -> None:
        """Append one line, which brings its own line end."""
        with self._lock:
            if self._file.closed:
                return
            if self._file.tell() + len(line) > self._bytes_max:
                self._file.close()
                self.path.replace(self.path.with_name(self.path.name + ".1"))
                self._file = self.path.open("ab")
            self._file.write(line)
            self._file.flush()

    def write_text(self, prefix: str, text: str) -> None:
        """Append every line of ``text`` behind ``prefix``."""
        for line in text.splitlines():
            self.write(f"{prefix}{line}\n".encode())

    def close(self) -> None:
        """Close the file; later lines are dropped."""
        with self._lock:
            self._file.close()

    def last_lines(self, count: int = 3) -> str:
        """Return the last lines, for a sentence that says why a part died."""
        with self.path.open("rb") as whole:
            whole.seek(max(0, self.path.stat().st_size - 4096))
            return " | ".join(whole.read().decode("utf-8", "replace").splitlines()[-count:])


class Process:
    """A running child whose output goes, line by line, to its own log and prefixed to the common one."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Log,
        common: Log | None = None,
        user: int | None = None,
        folder: Path | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.log = log
        self._stop_signal = stop_signal
        identity = {} if user is None else {"user": user, "group": user, "extra_groups": []}
        self._child = subprocess.Popen(  # noqa: S603
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=folder,
            **identity,  # type: ignore[call-overload]
        )
        self.created = created_of(self._child.pid)
        self._pump = threading.Thread(target=self._copy, args=(common,), name=f"log of {name}", daemon=True)
        self._pump.start()

    def _copy(self, common: Log | None) -> None:
        prefix = f"{self.name:<9} | ".encode()
        for line in self._child.stdout:
            self.log.write(line)
            if common is not None:
                common.write(prefix + line)

    @property
    def pid(self) -> int:
        """The process id."""
        return int(self._child.pid)

    @property
    def returncode(self) -> int | None:
        """The exit code, None while it runs; negative is the signal that ended it."""
        return self.poll()

    def poll(self) -> int | None:
        """Return the exit code, or None while it runs."""
        code = self._child.poll()
        return None if code is None else int(code)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code; `subprocess.TimeoutExpired` after ``timeout`` seconds."""
        code = int(self._child.wait(timeout))
        self._finish()
        return code

    def kill(self) -> None:
        """End it at once (SIGKILL) and wait until it is gone."""
        with suppress(ProcessLookupError):
            self._child.kill()
        self.wait()

    def terminate(self) -> None:
        """Ask it to end, with the signal it ends well on; does not wait."""
        with suppress(ProcessLookupError):
            self._child.send_signal(self._stop_signal)

    def send_signal(self, number: int) -> None:
        """Send any signal."""
        self._child.send_signal(number)

    def stop(self, seconds: float = STOP_SECONDS) -> int:
        """Ask it to end, end it after ``seconds``, and return the exit code."""
        self.terminate()
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.wait()

    def _finish(self) -> None:
        # A grandchild may hold the pipe open; its last lines are not worth waiting for.
        self._pump.join(2.0)
        if not self._pump.is_alive():
            self._child.stdout.close()


def created_of(pid: int) -> float:
    """Return when a process was created, in epoch seconds; 0 when there is none."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def is_alive(pid: int, created: float) -> bool:
    """Say whether this very process (not a later one with its number) still runs."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - created) < 1.0 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def end_leftover(
    pid: int, created: float, *, stop_signal: signal.Signals = signal.SIGTERM, seconds: float = LEFTOVER_SECONDS
) -> None:
    """End a process that an earlier supervisor left behind, with everything it started."""
    if not is_alive(pid, created):
        return
    family: list[psutil.Process] = []
    with suppress(psutil.Error):
        leader = psutil.Process(pid)
        family = [leader, *leader.children(recursive=True)]
        leader.send_signal(stop_signal)
    _, left = psutil.wait_procs(family, timeout=seconds)
    for process in left:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
