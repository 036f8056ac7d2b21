"""Events whose account is not known yet: what they are looked up by, and what a person says about it."""

import shlex
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from truenorth import words
from truenorth.clock import MILLIS_PER_DAY

from truenorth_console.domain.wording import Moment, Now, ago, when

WAITING_MAX: Final = 50_000
"""So many of the newest lookups that something waits for are kept, for at most `WAITING_KEPT_MS`."""
WAITING_KEPT_MS: Final = 7 * MILLIS_PER_DAY
LEARNED_KEPT_MS: Final = 8 * MILLIS_PER_DAY
"""A day more than what waits: what settles an event was learned after it came."""
ACTOR: Final = "actor:"
PERSON: Final = "PERSON"
"""What stands in a command line for the id of a person, who is a pseudonym here."""

Runs = list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Held:
    """One event that waits: ``lookups`` are tried in order, ``recorded_ms`` is when the edge took it."""

    lookups: tuple[str, ...]
    reason: str
    recorded_ms: int

    @property
    def day(self) -> int:
        """The epoch day it is counted under, so that a count can go with its time."""
        return self.recorded_ms // MILLIS_PER_DAY


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that wait for the same lookups; ``learned`` once an account is known for one of these."""

    lookups: tuple[str, ...]
    reason: str
    events: int
    oldest_ms: int
    newest_ms: int
    learned: bool


@dataclass(frozen=True, slots=True)
class WaitingLine:
    """One lookup on the page. ``command`` is empty where nothing has to be done, or nothing can be."""

    key: str
    mark: str
    says: Runs
    detail: str
    command: str
    events: int
    oldest: str
    oldest_at: Moment
    learned: bool


def waiting_line(one: Waiting, now: Now, *, ingest: str) -> WaitingLine:
    """Return the line of a lookup: how much waits for it, and what a person has to say. ``ingest`` is its address."""
    first = one.lookups[0]
    shown = "a person" if first.startswith(ACTOR) else first
    wait = "1 event waits" if one.events == 1 else f"{one.events} events wait"
    if one.learned:
        says: Runs = [(shown, True), (" has found its account: ", False), (words.plural(one.events, "event"), False)]
        says.append((" went on to it", False))
    else:
        says = [(shown, True), (f" · {wait}: ", False), (_asks(one.reason, first), False)]
    others = [lookup for lookup in one.lookups[1:] if not lookup.startswith(ACTOR)]
    detail = f"also looked up by {', '.join(others)}" if others else ""
    if first.startswith(ACTOR):
        detail = f"pseudonym {first.removeprefix(ACTOR)}" + (f", {detail}" if detail else "")
    needs_a_word = not one.learned and one.reason != "unavailable"
    return WaitingLine(
        key=" ".join((one.reason, *one.lookups)),
        mark=f"{one.events} {one.learned}",
        says=says,
        detail=detail,
        command=identity_command(first, ingest=ingest) if needs_a_word else "",
        events=one.events,
        oldest=ago(one.oldest_ms, now),
        oldest_at=when(one.oldest_ms, now),
        learned=one.learned,
    )


def _asks(reason: str, lookup: str) -> str:
    if reason == "ambiguous":
        return "it belongs to several accounts, say which"
    if reason == "unavailable":
        return "accounts could not be looked up, they are tried again by themselves"
    if lookup.startswith(ACTOR):
        return "a group call, or you, say whose they are"
    return "tell us whose it is"


def identity_command(lookup: str, *, ingest: str) -> str:
    """Return the command line that says whose a lookup is; of a person it needs the id that the product sends."""
    system, _, external_id = lookup.partition(":")
    named = PERSON if lookup.startswith(ACTOR) else quote(external_id, safe="")
    return " ".join(
        (
            f"curl -X PUT {shlex.quote(f'{ingest}/v1/identities/{quote(system, safe=str())}/{named}')}",
            '-H "authorization: Bearer $KEY" -H "content-type: application/json"',
            """-d '{"account": "ACCOUNT"}'""",
        )
    )
