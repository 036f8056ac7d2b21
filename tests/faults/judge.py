"""What was lost, doubled, or differs: by the ledger, by the outputs' numbers, and by ``truenorth verify``."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from truenorth.clock import Clock
from truenorth.errors import TransientError
from truenorth_health.domain import parts
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.state import PART_KINDS, AccountState, load

from tests.faults.ground import Ground
from tests.faults.ledger import Book, Ledger
from tests.faults.watch import Watcher

QUIET_S_MAX = 120.0
LOOK_S = 0.2
SHOWN_MAX = 5


@dataclass
class Verdict:
    """Counts of what went wrong, and the first sentences of what. ``judged`` transitions are verify's own count."""

    accepted: int = 0
    lost: int = 0
    doubled: int = 0
    differing: int = 0
    changes: int = 0
    judged: int = 0
    sentences: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether nothing went wrong."""
        return not (self.lost or self.doubled or self.differing or self.sentences)

    def say(self, sentences: Iterable[str]) -> None:
        """Keep the first few."""
        self.sentences += list(sentences)[:SHOWN_MAX]


async def quiet(watcher: Watcher, clock: Clock, *, seconds: float = QUIET_S_MAX) -> None:
    """Wait until every accepted event is folded and everything committed was read; nothing may be sent meanwhile.

    Raises:
        TransientError: it did not come to that in time.
    """
    deadline = clock.monotonic() + seconds
    while True:
        try:
            behind = watcher.behind(await watcher.ends())
            if behind == 0 and await watcher.at_the_end():
                return
        except TransientError as error:
            behind = -1
            last: object = error
        else:
            last = f"{behind} records behind"
        if clock.monotonic() > deadline:
            raise TransientError(f"not caught up after {seconds:.0f} s: {last}")
        await asyncio.sleep(LOOK_S)


async def judge(ground: Ground, watcher: Watcher, ledger: Ledger, *, refolds: int) -> Verdict:
    """Judge a quiet platform."""
    verdict = Verdict(accepted=len(ledger.accepted))
    _judge_state(verdict, watcher, ledger)
    _judge_outputs(verdict, watcher)
    if refolds:
        verdict.doubled += refolds
        verdict.say([f"workers met {refolds} events again that they had folded"])
    _judge_found(verdict, await asyncio.to_thread(ground.verify))
    return verdict


def _judge_state(verdict: Verdict, watcher: Watcher, ledger: Ledger) -> None:
    """Hold what is kept of every account against the ledger."""
    for account in sorted(ledger.books.keys() | watcher.parts.keys()):
        wanted = ledger.books.get(account, Book())
        found = kept_book(account, watcher.parts.get(account, {}))
        for name in sorted(wanted.tallies.keys() | found.tallies.keys()):
            gap = wanted.tallies[name] - found.tallies[name]
            verdict.lost += max(0, gap)
            verdict.doubled += max(0, -gap)
            if gap:
                verdict.say([f"{account}: {found.tallies[name]} of {name} are kept, {wanted.tallies[name]} accepted"])
        missing, extra = wanted.things - found.things, found.things - wanted.things
        verdict.lost += len(missing)
        verdict.doubled += len(extra)
        if missing or extra:
            verdict.say([f"{account}: {sorted(missing)} are not kept, {sorted(extra)} were never accepted"])


def kept_book(account: str, kept: dict[str, bytes]) -> Book:
    """Return what an account's state says of the ledger's counters and ids."""
    state: AccountState = load(account, {name: raw for name, raw in kept.items() if name in PART_KINDS})
    tallies = Counter(
        usage=state.read(parts.Usage).events,
        value=state.read(Engagements).value_events,
        note=state.read(parts.Actions).notes,
        answer=len(state.read(parts.Surveys).csat),
    )
    return Book(tallies, {*state.read(parts.Tickets).by_id, *state.read(parts.Billing).invoices})


def _judge_outputs(verdict: Verdict, watcher: Watcher) -> None:
    """Numbers 1..n per account without gap or repeat, ids once, revisions rising, as many as the snapshot says."""
    for account, numbers in watcher.numbers.items():
        verdict.changes += len(numbers)
        times = Counter(numbers)
        missing = set(range(1, max(numbers) + 1)) - times.keys()
        told = watcher.snapshots[account].transitions if account in watcher.snapshots else 0
        missing |= set(range(max(numbers) + 1, told + 1))
        repeats = len(numbers) - len(times)
        verdict.lost += len(missing)
        verdict.doubled += repeats
        if missing or repeats:
            verdict.say([f"{account}: changes {sorted(missing)} are missing, {repeats} come twice"])
    repeated = [event_id for event_id, times in watcher.ids.items() if times > 1]
    verdict.doubled += len(repeated)
    verdict.say(f"the id {event_id} was published twice" for event_id in repeated)
    verdict.differing += len(watcher.out_of_order)
    verdict.say(watcher.out_of_order)


def _judge_found(verdict: Verdict, document: dict[str, Any]) -> None:
    """Take over what verify found."""
    differences = document["differences"]
    verdict.judged = document["transitions"]
    if document["events"] != verdict.accepted:
        verdict.differing += 1
        verdict.say([f"verify folded {document['events']} different events, {verdict.accepted} were accepted"])
    verdict.differing += len(differences)
    verdict.say(f"verify: {difference}" for difference in differences)
