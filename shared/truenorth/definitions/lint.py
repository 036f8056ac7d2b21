"""What parses and still cannot be meant: a definition must never silently do nothing.

`lint` takes what `parse` read and returns every finding with file and line. All findings refuse an apply.

Weights: plain numbers are ratios (20, 15, 22 is fine) as long as they add up to 100 or less. A sum above 100
reads as percent gone wrong (70 and 70 is 140 %) and is refused, and so is a sum from 90 to below 100 of whole numbers
of 5 and more (60 and 35 is 95 %). Ratios can always be written smaller.
"""

from collections.abc import Iterator

from truenorth.definitions import lint_accounts, lint_health, lint_scorecards, lint_work
from truenorth.definitions.findings import Found
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
)


def lint(parsed: Parsed) -> list[DefinitionError]:
    """Return what was refused while parsing, or else what linting finds, in the order of files and lines."""
    if parsed.errors:
        return _in_order(parsed.errors)
    return _in_order(list(_findings(parsed)))


def _findings(parsed: Parsed) -> Iterator[DefinitionError]:
    for check in CHECKS:
        for found in check(parsed.definitions):
            yield _placed(parsed, found)


def _placed(parsed: Parsed, found: Found) -> DefinitionError:
    place = parsed.place(found.path)
    return DefinitionError(found.code, found.message, file=place.file, line=place.line, field=found.path)


def _in_order(errors: list[DefinitionError]) -> list[DefinitionError]:
    return sorted(errors, key=lambda error: (error.file, error.line, error.field))
