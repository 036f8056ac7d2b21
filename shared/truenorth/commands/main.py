"""The `truenorth` program: finds its commands by entry point and turns failures into exit codes.

Exit codes: 0 fine, 1 a finding, 2 wrong use, 3 something needed is not there.
"""

import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points, version
from typing import Final

import click

from truenorth.errors import MissingError, RefusedError, TransientError, TruenorthError

GROUP: Final = "truenorth.commands"
FINDING: Final = 1
WRONG_USE: Final = 2
NOT_THERE: Final = 3
INTERRUPTED: Final = 130


class Commands(click.Group):
    """A group whose commands are entry points, imported only when asked for."""

    def _found(self) -> dict[str, EntryPoint]:
        return {point.name: point for point in entry_points(group=GROUP)}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of all installed commands."""
        return sorted(self._found())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import and return one command; `MissingError` when what it stands on is not installed."""
        point = self._found().get(cmd_name)
        if point is None:
            return None
        try:
            command = point.load()
        except (ImportError, AttributeError) as error:
            raise MissingError(f"`truenorth {cmd_name}` cannot be loaded: {error}; run `make setup` again.") from error
        if not isinstance(command, click.Command):
            raise TypeError(f"The entry point {cmd_name} of {GROUP} is not a click command.")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List every command with its short help; one that cannot be loaded says why instead."""
        rows = [(name, self._short_help(ctx, name)) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def _short_help(self, ctx: click.Context, name: str) -> str:
        try:
            command = self.get_command(ctx, name)
        except MissingError as error:
            return str(error)
        return command.get_short_help_str(90) if command is not None else ""


def program() -> click.Group:
    """Return the `truenorth` command group."""
    return Commands(
        "truenorth",
        help="Live customer health from product usage, and the playbooks that act on it.",
        params=[_version_option()],
        no_args_is_help=True,
    )


def _version_option() -> click.Option:
    def say(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:  # noqa: FBT001
        if wanted and not ctx.resilient_parsing:
            click.echo(f"truenorth {version('truenorth')}")
            ctx.exit()

    return click.Option(
        ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=say, help="Show the version and exit."
    )


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code."""
    # The drivers log each failed attempt; the one sentence of the error that ends the command says it all.
    for noisy in ("aiokafka", "asyncio", "httpx"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        answer = program().main(args=arguments, prog_name="truenorth", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except TruenorthError as error:
        click.echo(f"truenorth: {error}", err=True)
        return code_of(error)
    except BrokenPipeError:
        # The reader (`| head`) has gone; keep Python from failing again when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return answer if isinstance(answer, int) and not isinstance(answer, bool) else 0


def code_of(error: TruenorthError) -> int:
    """Return the exit code a failure ends the program with."""
    if isinstance(error, RefusedError):
        return WRONG_USE
    return NOT_THERE if isinstance(error, MissingError | TransientError) else FINDING


def main() -> None:
    """Run the program and leave with its exit code."""
    sys.exit(run())


if __name__ == "__main__":
    main()
