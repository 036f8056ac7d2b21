"""The intake page's own sentences: how much was refused, how much waits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from truenorth import words

from truenorth_console.domain.wording import Now, ago

LINES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Totals:
    """How much there is. ``waiting`` and ``found`` count events of the last 7 days by (system, reason)."""

    refused: int
    refused_today: int
    waiting: Mapping[tuple[str, str], int]
    found: int
    oldest_ms: int | None = None

    @property
    def waits(self) -> int:
        """How many events wait in all."""
        return sum(self.waiting.values())


def heading(totals: Totals, now: Now) -> str:
    """Return the sentence under the title."""
    parts = []
    if totals.refused_today:
        parts.append(f"{words.plural(totals.refused_today, 'event')} refused in the last 24 hours")
    elif totals.refused:
        parts.append("Nothing refused in the last 24 hours")
    else:
        parts.append("Nothing refused")
    if totals.waits:
        wait = "1 waits for its account" if totals.waits == 1 else f"{totals.waits} wait for their account"
        oldest = "" if totals.oldest_ms is None else f", the oldest came {ago(totals.oldest_ms, now)}"
        parts.append(wait + oldest)
    else:
        parts.append("nothing waits for its account")
    return "; ".join(parts)


_REASONS: Final = {"unknown": "unknown", "ambiguous": "in several accounts", "unavailable": "not looked up yet"}


def breakdown(totals: Totals) -> list[str]:
    """Return how many events wait by system and reason, the most first, then how many went on."""
    most = sorted(totals.waiting.items(), key=lambda item: (-item[1], item[0]))
    said = [f"{'people' if system == 'actor' else system} {_REASONS[reason]} · {n}" for (system, reason), n in most]
    return said + ([f"found · {totals.found}"] if totals.found else [])
