"""The process entry of every service: ``python -m truenorth_<name> [migrate] [--check-config]``.

Exit codes: 0 fine, 1 failed while running, 2 wrong use or a wrong setting, 3 something needed is not there.
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from truenorth import logs
from truenorth.errors import HaltError, MissingError, RefusedError, TransientError
from truenorth.settings import Reader

EXIT_FINE: Final = 0
EXIT_FAILED: Final = 1
EXIT_WRONG_USE: Final = 2
EXIT_MISSING: Final = 3


class HasLogLevel(Protocol):
    """Settings of a service, as far as its entry knows them."""

    @property
    def log_level(self) -> str:
        """The least severe level that is logged."""
        ...


S = TypeVar("S", bound=HasLogLevel)


@dataclass(frozen=True, slots=True)
class Entry(Generic[S]):
    """How a service starts. ``migrate`` takes a database URL; None for a service without a database.

    ``new_loop`` makes the event loop that it runs in; None for Python's own.
    """

    name: str
    read: Callable[[Mapping[str, str]], S]
    run: Callable[[S], Awaitable[int]]
    migrate: Callable[[str], Awaitable[object]] | None = None
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Do what the command line asks for and return the exit code."""
        module = f"truenorth_{self.name}"
        parser = argparse.ArgumentParser(prog=f"python -m {module}")
        if self.migrate is not None:
            parser.add_argument("command", nargs="?", choices=["migrate"], help="bring the schema up to date and stop")
        parser.add_argument("--check-config", action="store_true", help="check the settings and stop")
        asked = parser.parse_args(arguments)
        try:
            return self._do(getattr(asked, "command", None), check=asked.check_config)
        except RefusedError as error:
            return _fail(f"{module}: {error.message}", EXIT_WRONG_USE)
        except (MissingError, TransientError) as error:
            return _fail(f"{module}: {error}", EXIT_MISSING)
        except HaltError as error:
            return _fail(f"{module}: {error}", EXIT_FAILED)

    def _do(self, command: str | None, *, check: bool) -> int:
        if command == "migrate" and self.migrate is not None:
            read = Reader(os.environ)
            database_url = read.database_url()
            read.finish()
            asyncio.run(_awaited(self.migrate(database_url)))
            return EXIT_FINE
        settings = self.read(os.environ)
        if check:
            sys.stdout.write("the settings are fine\n")
            return EXIT_FINE
        logs.configure(self.name, level=settings.log_level)
        with asyncio.Runner(loop_factory=self.new_loop) as runner:
            return runner.run(_awaited(self.run(settings)))


T = TypeVar("T")


async def _awaited(work: Awaitable[T]) -> T:
    return await work


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code
