"""What parses and still cannot be meant: a definition must never silently do nothing.

`lint` takes what `parse` read and returns every finding with file and line. All findings refuse an apply.

Weights: plain numbers are ratios (20, 15, 22 is fine) as long as they add up to 100 or less. A sum above 100
reads as percent gone wrong (70 and 70 is 140 %) and is refused, and so is a sum from 90 to below 100 of whole numbers
of 5 and more (60 and 35 is 95 %). Ratios can always be written smaller.
"""

from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from typing import Final

from truenorth.definitions import lint_accounts, lint_health, lint_intake, lint_scorecards, lint_work
from truenorth.definitions.findings import Found
from truenorth.definitions.model import Definitions
from truenorth.definitions.parse import Parsed
from truenorth.errors import DefinitionError

CHECKS = (
    lint_scorecards.scorecards,
    lint_accounts.segments,
    lint_accounts.phases,
    lint_accounts.milestones,
    lint_accounts.people,
    lint_health.findings,
    lint_health.ladder,
    lint_health.tiers,
    lint_health.sources,
    lint_work.playbooks,
    lint_work.routes,
    lint_intake.connectors,
    lint_intake.tracking,
    lint_intake.traits,
)

Check = Callable[[Definitions], Iterator[Found]]
LINTS: Final = "truenorth.lints"
"""The entry point group in which services offer a `Check` of what only they can read, such as expressions."""


def lint(parsed: Parsed, further: Sequence[Check] = ()) -> list[DefinitionError]:
    """Return what was refused while parsing, or else what linting finds, in the order of files and lines.

    ``further`` are checks beside this module's own, such as `installed_checks`.
    """
    if parsed.errors:
        return _in_order(parsed.errors)
    return _in_order(list(_findings(parsed, further)))


def installed_checks() -> list[Check]:
    """Return the checks that installed services bring along, by name."""
    return [point.load() for point in sorted(entry_points(group=LINTS), key=lambda point: point.name)]


def _findings(parsed: Parsed, further: Sequence[Check]) -> Iterator[DefinitionError]:
    for check in (*CHECKS, *further):
        for found in check(parsed.definitions):
            yield _placed(parsed, found)


def _placed(parsed: Parsed, found: Found) -> DefinitionError:
    place = parsed.place(found.path)
    return DefinitionError(found.code, found.message, file=place.file, line=place.line, field=found.path)


def _in_order(errors: list[DefinitionError]) -> list[DefinitionError]:
    return sorted(errors, key=lambda error: (error.file, error.line, error.field))
