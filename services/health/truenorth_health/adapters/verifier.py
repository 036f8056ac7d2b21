"""Verify on a running system: is everything that health keeps and publishes what the events say?

Works partition by partition, so that memory is bounded by the accounts of one. What the engine committed is read
first: its state and its positions belong to one transaction. Then the transitions are gone through in the order they
were decided, the sources being folded anew in step, then the rest of the sources up to the stored positions, and what
is published now. What happens meanwhile is told from what should not be there by reading on in the changelog.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator

from truenorth.clock import date_of_day, day_of

from truenorth_health.adapters.processor import AccountProcessor
from truenorth_health.adapters.verify_accounts import Accounts
from truenorth_health.adapters.verify_bundles import Bundles
from truenorth_health.adapters.verify_outputs import Transitions, read_snapshots
from truenorth_health.adapters.verify_refold import NEVER_MS, Refold
from truenorth_health.adapters.verify_reports import AccountDifference, PartitionReport
from truenorth_health.adapters.verify_stored import Read, Sample, Stored
from truenorth_health.adapters.verify_transitions import TransitionJudge
from truenorth_health.adapters.verify_unreadable import Unreadable


class Verifier:
    """Compares what is stored and published with what follows from the log. ``sample``: at most so many accounts."""

    def __init__(self, read: Read, processor: AccountProcessor, *, count: int, sample: int | None = None) -> None:
        self._read = read
        self._processor = processor
        self._count = count
        self._sample = sample

    async def partitions(self, numbers: Iterable[int]) -> AsyncIterator[PartitionReport]:
        """Yield a report per partition."""
        for number in numbers:
            yield await self.partition(number)

    async def partition(self, number: int) -> PartitionReport:
        """Judge one partition.

        Raises:
            TransientError: the broker is away, or the stored state is of a newer version than this program.
            HaltError: the engine's own records are unreadable.
        """
        sample = Sample(self._share(number))
        stored = Stored(core=self._processor.core)
        await stored.read(self._read, self._processor.changelog, number, sample)
        positions = {} if stored.position is None else stored.position.sources
        refold = Refold(self._read, number, positions, self._processor, sample.holds)
        unreadable = Unreadable(number)
        transitions = Transitions(self._read, number, sample.holds, unreadable.note)
        bundles = Bundles(self._read)
        accounts = Accounts(number, stored, refold, bundles, self._processor)
        judge = TransitionJudge(number, transitions, refold, bundles, accounts.number_of)
        try:
            await refold.start()
            await judge.run()
            await refold.read_all()
        finally:
            await refold.close()
        snapshots = await read_snapshots(self._read, number, sample.holds, unreadable.note)
        await accounts.judge(judge, snapshots)
        if judge.later or accounts.later:
            await stored.read(self._read, self._processor.changelog, number, sample)
            accounts.catch_up([*judge.later, *accounts.later])
        differences = [*unreadable.differences, *judge.differences, *accounts.differences]
        said = list(_sentences(refold, judge, accounts, bundles))
        return _report(number, refold, judge, accounts, differences, said)

    def _share(self, number: int) -> int | None:
        """Return this partition's share of the sample: the same whichever partitions are looked at."""
        if self._sample is None:
            return None
        return self._sample // self._count + (number < self._sample % self._count)


def _report(
    number: int,
    refold: Refold,
    judge: TransitionJudge,
    accounts: Accounts,
    differences: list[AccountDifference],
    said: list[str],
) -> PartitionReport:
    return PartitionReport(
        partition=number,
        accounts=accounts.count,
        events=refold.events,
        dead_letters=refold.dead_letters,
        differences=differences,
        duplicates=sum(refold.duplicates.values()),
        transitions=judge.count,
        waiting=accounts.waiting,
        unjudged=accounts.unjudged + _trusted(judge),
        unjudged_accounts=len(accounts.early),
        out_of_reach=said,
    )


def _sentences(refold: Refold, judge: TransitionJudge, accounts: Accounts, bundles: Bundles) -> Iterator[str]:
    """Say what could not be judged, and why."""
    for source, begin_ms in refold.begins_ms.items():
        until = "everything" if begin_ms == NEVER_MS else f"what was appended before {_day(begin_ms)}"
        counts = accounts.out_of_reach.get(source, Counter())
        for kind, fields in sorted(counts.items()):
            yield f"{source}: {until} is past retention: {fields} fields of {kind} were not compared"
        if not counts:
            yield f"{source}: {until} is past retention; no field of any account depends on it"
    if judge.lost or accounts.lost:
        begins = ", ".join(f"{topic} before {_day(ms)}" for topic, ms in judge.transitions.begins_ms.items())
        yield f"transitions past retention ({begins}): the first numbers of {len(judge.lost | accounts.lost)} accounts"
    if accounts.unjudged:
        yield f"{accounts.unjudged} transitions differ, but events that they were decided on are past retention"
    if trusted := _trusted(judge):
        yield f"{trusted} findings follow from a score of two weeks before that no record tells: their word is taken"
    if accounts.early:
        yield f"{len(accounts.early)} accounts met a sender's duplicate after ids had left the memory of ids early"
    for offset, reason in bundles.refused.items():
        yield f"definitions at offset {offset}: {reason}"
    if accounts.unnamed:
        yield f"{accounts.unnamed} accounts were last decided with definitions that are not on the topic any more"


def _trusted(judge: TransitionJudge) -> int:
    return sum(known.trusted for known in judge.known.values())


def _day(moment_ms: int) -> str:
    return date_of_day(day_of(moment_ms)).isoformat()
