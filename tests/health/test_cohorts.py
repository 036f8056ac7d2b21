"""Cohorts: counted per partition from stored paths, summed once every partition was heard, told when they changed."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence

import msgspec
import pytest
from truenorth import codec
from truenorth.clock import ManualClock
from truenorth.definitions.model import Bundle, Definitions, Milestone
from truenorth.errors import TransientError
from truenorth.events.health import CohortUpdated
from truenorth.kafka import Outgoing, Record
from truenorth.streams.kept import Kept
from truenorth.streams.records import encode_own
from truenorth.topics import full_name
from truenorth_health.adapters import cohorts as adapter
from truenorth_health.adapters.cohorts import CohortTotals, CohortWalker
from truenorth_health.adapters.processor import CompiledDefinitions
from truenorth_health.domain.cohorts import CohortCount, PartitionCounts, Tally, key_of, median, totals
from truenorth_health.domain.path import MilestoneMark, Path

NOW_MS = 1_762_603_200_000
COHORTS = full_name("cohorts")


def stored(
    status: str,
    *,
    segment: str = "small",
    version: str = "v1",
    took: int | None = None,
    churned: bool = False,
    tombstoned: bool = False,
) -> bytes:
    mark = MilestoneMark(status, version, None, took is not None and took > 14, took)
    path = Path(segment=segment, milestones={"first": mark}, churned=churned, tombstoned=tombstoned)
    return msgspec.msgpack.encode(path)


def counts(number: int, of: int, *cores: bytes, version: str = "v1") -> PartitionCounts:
    tally = Tally({"first": version})
    tally.add(cores)
    return PartitionCounts(number, of, NOW_MS, {"first": version}, tally.cohorts)


def test_each_account_counts_once_by_where_it_stands() -> None:
    found = counts(0, 1, *map(stored, ["pending", "at_risk", "missed"]), stored("reached", took=3)).cohorts
    assert found == [CohortCount("first", "small", 1, 1, 1, 0, 1, {3: 1})]


def test_who_left_counts_if_it_had_settled_and_who_was_erased_does_not() -> None:
    left = [stored("pending", churned=True), stored("missed", churned=True), stored("missed", tombstoned=True)]
    (one,) = counts(0, 1, *left).cohorts
    assert (one.pending, one.missed) == (0, 1)


def test_accounts_that_stand_by_another_definition_are_left_out() -> None:
    assert counts(0, 1, stored("reached", version="v0", took=3)).cohorts == []


def test_what_took_longer_than_the_longest_deadline_counts_as_that() -> None:
    (one,) = counts(0, 1, stored("reached", took=400)).cohorts
    assert (one.reached, one.reached_late, one.took) == (0, 1, {90: 1})


@pytest.mark.parametrize(
    ("took", "days"), [({}, None), ({4: 1}, 4), ({1: 1, 9: 1}, 1), ({1: 1, 5: 1, 9: 1}, 5), ({0: 3, 90: 2}, 0)]
)
def test_the_median_is_the_day_by_which_half_had_reached_it(took: dict[int, int], days: int | None) -> None:
    assert median(took) == days


def test_all_partitions_are_summed_and_nothing_is_said_before_all_were_heard() -> None:
    first = counts(0, 2, stored("reached", took=3), stored("pending"), stored("missed", segment="large"))
    second = counts(1, 2, stored("reached", took=20), stored("missed"))
    assert totals({0: first}, NOW_MS) is None
    found = totals({0: first, 1: second}, NOW_MS)
    assert found is not None
    assert found["first", "small"] == CohortUpdated(
        milestone="first",
        version="v1",
        segment="small",
        accounts=4,
        pending=1,
        at_risk=0,
        reached=1,
        reached_late=1,
        missed=1,
        settled=3,
        computed_ms=NOW_MS,
        share_reached=2 / 3,
        median_days=3,
    )
    large = found["first", "large"]
    assert (large.accounts, large.share_reached, large.median_days) == (1, 0.0, None)
    assert key_of(("first", "large")) == "first/large"


def test_a_cohort_that_nobody_has_settled_in_has_no_share() -> None:
    found = totals({0: counts(0, 1, stored("pending"))}, NOW_MS)
    assert found is not None
    assert found["first", "small"].share_reached is None


def test_partitions_that_count_by_different_definitions_are_not_added_up() -> None:
    mixed = {0: counts(0, 2, stored("pending")), 1: counts(1, 2, stored("pending", version="v2"), version="v2")}
    assert totals(mixed, NOW_MS) is None


class Sent:
    """Takes records, or refuses them while the broker is away."""

    def __init__(self) -> None:
        self.records: list[Outgoing] = []
        self.is_away = False

    async def send_many(self, items: Sequence[Outgoing]) -> None:
        if self.is_away:
            raise TransientError("away")
        self.records += items

    def take(self) -> dict[str, CohortUpdated | None]:
        taken, self.records = self.records, []
        return {
            (one.key or b"").decode(): None if one.value is None else codec.parse_as(one.value, CohortUpdated)
            for one in taken
        }


def lying(*records: tuple[str, CohortUpdated | None]) -> list[Record]:
    return [
        Record(COHORTS, 0, number, key.encode(), None if update is None else adapter._encode(key, update), NOW_MS)
        for number, (key, update) in enumerate(records)
    ]


class Summing:
    """The sums of one worker, with what lies on the topic when it takes over."""

    def __init__(self, *records: Record) -> None:
        self.sent = Sent()
        self.clock = ManualClock(NOW_MS)

        async def read(_bootstrap: str, topic: str) -> AsyncIterator[Record]:
            assert topic == COHORTS
            for record in records:
                yield record

        self.totals = CohortTotals("broker", self.sent, self.clock, read=read)

    async def hear(self, *heard: PartitionCounts) -> dict[str, CohortUpdated | None]:
        for one in heard:
            await self.totals.hear(codec.encode_json(one))
        return self.sent.take()


async def test_a_cohort_is_told_once_and_again_when_its_numbers_change() -> None:
    one = Summing()
    assert await one.hear(counts(0, 2, stored("pending"))) == {}
    told = await one.hear(counts(1, 2, stored("missed")))
    assert list(told) == ["first/small"]
    assert await one.hear(counts(1, 2, stored("missed"))) == {}
    changed = (await one.hear(counts(1, 2, stored("reached", took=30))))["first/small"]
    assert changed is not None
    assert (changed.missed, changed.reached_late, one.totals.told_count) == (0, 1, 2)


async def test_a_cohort_without_accounts_is_deleted_also_one_that_another_worker_told() -> None:
    (known,) = (totals({0: counts(0, 1, stored("pending"))}, NOW_MS - 60_000) or {}).values()
    one = Summing(*lying(("first/small", known), ("old/small", known), ("gone/small", known), ("gone/small", None)))
    assert await one.hear(counts(0, 1, stored("pending"))) == {"old/small": None}
    assert await one.hear(counts(0, 1)) == {"first/small": None}
    assert await one.hear(counts(0, 1)) == {}


async def test_what_the_broker_did_not_take_is_told_with_the_next_count() -> None:
    one = Summing()
    one.sent.is_away = True
    assert await one.hear(counts(0, 1, stored("pending"))) == {}
    one.sent.is_away = False
    assert list(await one.hear(counts(0, 1, stored("pending")))) == ["first/small"]


async def test_counts_that_nobody_renews_are_forgotten_and_rubbish_is_passed_over() -> None:
    one = Summing()
    await one.hear(counts(0, 2, stored("pending")))
    await one.totals.hear(b"rubbish")
    await one.totals.hear(None)
    late = msgspec.structs.replace(counts(1, 2), counted_ms=NOW_MS + 3_600_000)
    one.clock.advance(hours=1)
    assert await one.hear(late) == {}


class Walked:
    """Partitions with accounts, as the engine has them."""

    def __init__(self, partitions: dict[int, list[bytes]]) -> None:
        self.partitions = partitions
        self.partition_count = len(partitions)

    @property
    def owned(self) -> frozenset[int]:
        return frozenset(self.partitions)

    def cores(self, number: int, *, size: int) -> Iterator[list[bytes]]:
        cores = self.partitions[number]
        for start in range(0, len(cores), size):
            yield cores[start : start + size]


MILESTONE = Milestone(id="first", name="First", count="events", need=1, within_days=14)


def walker(walked: Walked, sent: Sent, clock: ManualClock) -> tuple[CohortWalker, str]:
    definitions = CompiledDefinitions(lambda: Bundle("b", 1, 0, Definitions(milestones=[MILESTONE])))
    compiled = definitions.get()
    assert compiled is not None
    return CohortWalker(walked, definitions, sent, clock), compiled.milestones[0].version


async def test_every_partition_is_told_when_it_changed_and_now_and_then_when_it_did_not() -> None:
    walked, sent, clock = Walked({0: [], 1: []}), Sent(), ManualClock(NOW_MS)
    one, version = walker(walked, sent, clock)
    walked.partitions[0] = [stored("pending", version=version)] * 1_200
    await asyncio.wait_for(one.walk(), 30)
    heard = [msgspec.json.decode(record.value or b"", type=PartitionCounts) for record in sent.records]
    assert [(told.partition, told.partitions) for told in heard] == [(0, 2), (1, 2)]
    assert heard[0].cohorts == [CohortCount("first", "small", pending=1_200)]
    sent.records.clear()
    await one.walk()
    assert sent.records == []
    walked.partitions[1] = [stored("missed", version=version)]
    await one.walk()
    assert [record.key for record in sent.records] == [b"1"]
    clock.advance(seconds=adapter.TOLD_AGAIN_S)
    await one.walk()
    assert [record.key for record in sent.records] == [b"1", b"0", b"1"]


async def test_a_walk_ends_when_it_is_stopped() -> None:
    one, _ = walker(Walked({0: []}), Sent(), ManualClock(NOW_MS))
    walking = asyncio.create_task(one.run())
    await asyncio.sleep(0)
    await one.stop()
    await asyncio.wait_for(walking, 5)


def test_the_cores_of_a_partition_come_in_slices_while_accounts_come_and_go() -> None:
    kept = Kept(core="path", sources=1)
    for name in "abcd":
        kept.put(name, encode_own([1], None, schema=1, core=name.encode()), {})
    kept.put("bare", encode_own([1], None, schema=1, core=b""), {})
    kept.put("old", encode_own([1], None, schema=0, core=b"o"), {})
    slices = kept.cores(schema=1, size=2)
    assert next(slices) == [b"a", b"b"]
    kept.forget("c")
    kept.put("d", encode_own([1], None, schema=1, core=b"d2"), {})
    kept.put("e", encode_own([1], None, schema=1, core=b"e"), {})
    assert [core for cores in slices for core in cores] == [b"d2"]
