"""What happens when the edge learns whose a lookup is, and when an event comes whose account it does not know.

All of it runs in units of work of which there is one at a time, in all processes: an event that is put aside has been
looked up after everything that was learned before, and what is learned after finds it there. None is ever stranded.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from truenorth.clock import Clock
from truenorth.codec import parse_time

from truenorth_ingest.domain.graves import person_in
from truenorth_ingest.domain.holding import Kept, Said, Told, Waiting, forgotten, released, taught
from truenorth_ingest.domain.lookups import chosen
from truenorth_ingest.ports import HoldingUnit

EVENTS_PER_ROUND_MAX: Final = 500


class Outcome(NamedTuple):
    """What became of events that waited: found their account, still wait, belonged to what was erased."""

    replayed: int = 0
    waiting: int = 0
    erased: int = 0

    @property
    def events(self) -> int:
        """How many events were looked at."""
        return sum(self)


class Holding:
    """Learns, holds and releases, inside the caller's unit of work."""

    def __init__(self, clock: Clock, *, events_per_round_max: int = EVENTS_PER_ROUND_MAX) -> None:
        self._clock = clock
        self._events_per_round_max = events_per_round_max

    async def learn(self, unit: HoldingUnit, told: Sequence[Told]) -> None:
        """Take in what was said on `identities`, in order, and awaken the events that it may decide."""
        if not told:
            return
        graves = await unit.graves({one.account for one in told}, {person_in(one.lookup) for one in told} - {""})
        last: dict[tuple[str, str], Told] = {(one.lookup, one.account): one for one in told}
        known: dict[tuple[str, str], int] = {}
        gone: list[tuple[str, str]] = []
        buried: list[Said] = []
        for pair, one in last.items():
            if not one.belongs:
                gone.append(pair)
            elif graves.hold_pair(one.lookup, one.account, record_ms=one.record_ms, time_ms=one.time_ms):
                buried.append(forgotten(*pair, why=f"late {one.record_ms}"))
            else:
                known[pair] = one.time_ms
        now_ms = self._clock.now_ms()
        changed = await unit.unlearn(gone) | await unit.learn(known)
        await unit.awaken(changed, now_ms=now_ms)
        await unit.say(buried, now_ms=now_ms)

    async def take(self, unit: HoldingUnit, events: Sequence[Waiting]) -> Outcome:
        """Put events aside, but for those whose account is known by now: these go on at once."""
        found, kept, erased = await self._judged(unit, events)
        await self._let_go(unit, found)
        await unit.keep(kept)
        return Outcome(len(found), len(kept), len(erased))

    async def replay(self, unit: HoldingUnit) -> Outcome:
        """Look again at some of the events of awakened lookups: those whose account is known now go on."""
        found, kept, erased = await self._judged(unit, await unit.awoken(self._events_per_round_max))
        await self._let_go(unit, found)
        await unit.drop([one.place for one, _ in found] + [one.place for one in erased])
        await unit.keep([one for one in kept if one.reason != one.waiting.event.reason])
        return Outcome(len(found), len(kept), len(erased))

    async def _let_go(self, unit: HoldingUnit, found: Sequence[tuple[Waiting, str]]) -> None:
        """Say the events that have an account, and after them what these teach, which may let others go on."""
        said = [released(*one) for one in found]
        said += [one for pair in found for one in taught(*pair)]
        await unit.say(said, now_ms=self._clock.now_ms())

    async def _judged(
        self, unit: HoldingUnit, events: Sequence[Waiting]
    ) -> tuple[list[tuple[Waiting, str]], list[Kept], list[Waiting]]:
        """Return the events that have an account, with it; those that wait; and those of what was erased."""
        found: list[tuple[Waiting, str]] = []
        kept: list[Kept] = []
        erased: list[Waiting] = []
        if not events:
            return found, kept, erased
        known = await unit.accounts_of({lookup for one in events for lookup in one.event.lookups})
        decided = [(one, chosen(one.event.lookups, known), one.people) for one in events]
        graves = await unit.graves(
            {choice.account for _, choice, _ in decided} - {""}, {person for *_, people in decided for person in people}
        )
        for one, (account, reason), people in decided:
            time_ms = parse_time(one.event.time)
            if graves.hold_waiting(people, record_ms=one.held_ms) or (
                account and graves.hold_event(account, people, record_ms=one.held_ms, time_ms=time_ms)
            ):
                erased.append(one)
            elif reason is None:
                found.append((one, account))
            else:
                kept.append(Kept(one, reason))
        return found, kept, erased
