"""The transitions of one partition, each held against its decision point, in step with a refold."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from truenorth.clock import day_of

from truenorth_health.adapters.verify_bundles import Bundles
from truenorth_health.adapters.verify_outputs import WINDOW_MS, Transitions
from truenorth_health.adapters.verify_refold import Refold
from truenorth_health.adapters.verify_reports import AccountDifference
from truenorth_health.domain.limits import USAGE_DAYS_KEPT
from truenorth_health.domain.verify import Difference, usage_days_from
from truenorth_health.domain.verify_decision import judge
from truenorth_health.domain.verify_path import Known, Told, note, out_of_sequence

LATER_MAX: Final = 10_000
PROVISIONAL_MAX: Final = 10_000


class Later(NamedTuple):
    """A record with a higher number than the stored path's: published since, or by nobody who may."""

    account: str
    topic: str
    offset: int
    number: int


class Provisional(NamedTuple):
    """A difference that counts only if all events of that decision are still retained."""

    day: int
    difference: AccountDifference


class TransitionJudge:
    """Walks through the transitions. ``numbers`` tells the number of an account's last stored transition."""

    def __init__(
        self, partition: int, transitions: Transitions, refold: Refold, bundles: Bundles, numbers: Callable[[str], int]
    ) -> None:
        self._partition = partition
        self.transitions = transitions
        self._refold = refold
        self._bundles = bundles
        self._numbers = numbers
        self.known: dict[str, Known] = {}
        self.differences: list[AccountDifference] = []
        self.provisional: dict[str, list[Provisional]] = {}
        self.later: list[Later] = []
        self.lost: set[str] = set()
        self.count = 0
        self._provisional_count = 0

    async def run(self) -> None:
        """Judge them all."""
        async for group in self.transitions.groups():
            await self._group(group)

    def is_reached(self, known: Known) -> bool:
        """Whether everything published after an account's last known transition is still retained."""
        begins = self.transitions.begins_ms.values()
        return all(known.timestamp_ms >= begin_ms for begin_ms in begins)

    async def _group(self, group: Sequence[Told]) -> None:
        account = group[0].account
        known = self.known.setdefault(account, Known())
        stored = self._numbers(account)
        sound: list[Told] = []
        for told in group:
            if told.data.number > stored:
                if len(self.later) < LATER_MAX:
                    self.later.append(Later(account, told.topic, told.offset, told.data.number))
                continue
            self.count += 1
            found = [*out_of_sequence(known, told), *await self._ordinal(told)]
            self._add(told, found)
            if told.data.number > known.number + 1:
                self._gap(known, told)
            if not found:
                note(known, told)
                sound.append(told)
            elif told.data.number > known.number:
                known.number = told.data.number
                known.lose_track()
        if sound:
            await self._judge(known, sound)

    def _gap(self, known: Known, told: Told) -> None:
        first, last = known.number + 1, told.data.number - 1
        if self.is_reached(known):
            missing = str(first) if first == last else f"{first} to {last}"
            self._add(told, [Difference(f"{told.name}.number", told.data.number, f"{missing}: missing before it")])
        else:
            self.lost.add(told.account)
        known.lose_track()

    async def _ordinal(self, told: Told) -> list[Difference]:
        """Compare the number of the apply that a decision names with what that apply put in force."""
        point = told.data.point
        await self._bundles.by_hash(point.definitions)
        ordinals = self._bundles.ordinals
        if ordinals.get(point.ordinal, point.definitions) != point.definitions:
            said = f"{point.ordinal} with definitions {point.definitions}"
            return [Difference("point.ordinal", said, f"{point.ordinal} put {ordinals[point.ordinal]} in force")]
        if point.ordinal > max(ordinals, default=0):
            return [Difference("point.ordinal", point.ordinal, f"{max(ordinals, default=0)} is the latest apply")]
        return []

    async def _judge(self, known: Known, group: Sequence[Told]) -> None:
        account, point = group[0].account, group[0].data.point
        compiled = await self._bundles.by_hash(point.definitions)
        if compiled is None:
            said = "no such bundle on definitions, where none is ever deleted"
            self._add(group[0], [Difference("point.definitions", point.definitions, said)])
            known.lose_track()
            return
        await self._refold.read_to(point.offsets, group[0].timestamp_ms + WINDOW_MS)
        state = self._refold.state(account, point.offsets)
        known.causes |= self._refold.causes(account)
        found = [*self._refold.strays(account, point.offsets), *judge(known, group, state, compiled)]
        for difference in found:
            self._provide(point.now_ms, self._made(_subject(group, difference), difference))
        if not _is_windowed(day_of(point.now_ms), self._refold.begins_ms):
            known.lose_track()  # what follows from a fold that lacks events says nothing about the next decision

    def _provide(self, now_ms: int, difference: AccountDifference) -> None:
        if self._provisional_count < PROVISIONAL_MAX:
            self._provisional_count += 1
            self.provisional.setdefault(difference.account, []).append(Provisional(day_of(now_ms), difference))

    def _add(self, told: Told, found: Sequence[Difference]) -> None:
        self.differences += [self._made(told, difference) for difference in found]

    def _made(self, told: Told, difference: Difference) -> AccountDifference:
        return AccountDifference(
            self._partition,
            told.account,
            f"number {told.data.number}: {difference.field}",
            shown(difference.stored),
            shown(difference.refolded),
            {told.topic: told.offset, **told.data.point.offsets},
            "transition",
        )


def judged(
    provisional: Sequence[Provisional], out_of_reach: Sequence[str], begins_ms: Mapping[str, int]
) -> Iterator[AccountDifference]:
    """Yield the differences that count, given the fields of the account whose events are past retention.

    A score needs the usage of 91 days. Milestones and the first use of features may need older events.
    """
    only_usage = all(name.startswith("usage.") for name in out_of_reach)
    for day, difference in provisional:
        in_window = only_usage and "milestone" not in difference.field and _is_windowed(day, begins_ms)
        if not out_of_reach or in_window:
            yield difference


def _is_windowed(day: int, begins_ms: Mapping[str, int]) -> bool:
    """Whether all usage that a score of this day looks at is retained."""
    from_day = usage_days_from(begins_ms)
    return from_day is None or day - USAGE_DAYS_KEPT >= from_day


def shown(value: object) -> str:
    """Return a value for people: text as it is, numbers and lists as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=repr).decode()


def _subject(group: Sequence[Told], difference: Difference) -> Told:
    """Return the record that a difference is about; the first of its decision when it is about all of them."""
    return next((told for told in group if difference.field.startswith(told.name)), group[0])
