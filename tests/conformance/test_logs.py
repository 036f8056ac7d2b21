"""Every log the engine can run on keeps the same promises: the one in memory, and Kafka."""

import asyncio

import pytest
from truenorth.errors import TransientError
from truenorth.kafka import partition_of
from truenorth.streams.log import Entry

from tests.conformance.grounds import PARTITIONS, Ground, assigned, drained, polled

pytestmark = pytest.mark.timeout(120)


async def test_a_commit_is_there_as_a_whole_and_tells_its_last_offsets(ground: Ground) -> None:
    first, second = ground.topics
    writer = await ground.log.open_writer(f"{ground.group}-0")
    lasts = await writer.commit({(first, 0): [Entry(b"a", b"1"), Entry(b"b", None)], (second, 1): [Entry(b"c", b"2")]})
    assert lasts == {(first, 0): 1, (second, 1): 0}
    assert [(r.offset, r.key, r.value) for r in await drained(ground.log, (first, 0), 1)] == [
        (0, b"a", b"1"),
        (1, b"b", None),
    ]
    lasts = await writer.commit({(first, 0): [Entry(b"a", b"3")]})
    assert lasts == {(first, 0): 3}  # the end of the first transaction took an offset
    assert [r.value for r in await drained(ground.log, (first, 0), 3)] == [b"1", None, b"3"]
    await writer.close()
    assert (await ground.log.spans([(first, 0)]))[first, 0] == (0, 5)


async def test_a_new_writer_shuts_the_old_one_out(ground: Ground) -> None:
    place = ground.topics[0], 0
    old = await ground.log.open_writer(f"{ground.group}-0")
    await old.commit({place: [Entry(b"k", b"old")]})
    new = await ground.log.open_writer(f"{ground.group}-0")
    with pytest.raises(TransientError):
        await old.commit({place: [Entry(b"k", b"too late")]})
    last = (await new.commit({place: [Entry(b"k", b"new")]}))[place]
    assert [record.value for record in await drained(ground.log, place, last)] == [b"old", b"new"]
    await old.close()
    await new.close()


async def test_nothing_is_delivered_before_a_place_is_begun(ground: Ground) -> None:
    topic = ground.topics[0]
    for value in (b"1", b"2", b"3"):
        await ground.send(topic, b"k", value)
    place = topic, partition_of(b"k", PARTITIONS)
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    for _ in range(5):
        assert not await reader.poll(0.05, 10)
    assert await reader.positions([place]) == {}
    reader.begin(place, 1)
    assert [(record.offset, record.value) for record in await polled(reader, 2)] == [(1, b"2"), (2, b"3")]
    assert await reader.positions([place]) == {place: 3}
    assert (await reader.ends([place]))[place] == 3
    reader.begin(place, 0)
    assert [record.value for record in await polled(reader, 3)] == [b"1", b"2", b"3"]
    await reader.show({place: 3})
    await reader.close()


async def test_a_paused_place_delivers_nothing_and_goes_on_without_a_gap(ground: Ground) -> None:
    topic = ground.topics[0]
    place = topic, partition_of(b"k", PARTITIONS)
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 0)
    reader.pause([place])
    await ground.send(topic, b"k", b"1")
    for _ in range(5):
        assert not await reader.poll(0.05, 10)
    reader.resume([place])
    assert [record.value for record in await polled(reader, 1)] == [b"1"]
    await reader.close()


async def test_the_same_partition_number_of_all_topics_goes_to_the_same_member(ground: Ground) -> None:
    first = await ground.log.join(ground.group, ground.topics, None)
    await assigned(first)
    before = first.generation
    second = await ground.log.join(ground.group, ground.topics, None)
    await assigned(first, second)
    assert first.generation > before
    for reader in (first, second):
        share = reader.assignment or frozenset()
        (number,) = {number for _, number in share}
        assert share == {(topic, number) for topic in ground.topics}
    await second.close()
    await assigned(first)
    await first.close()


async def test_positions_pass_over_the_ends_of_transactions(ground: Ground) -> None:
    place = ground.topics[0], 0
    writer = await ground.log.open_writer(f"{ground.group}-0")
    await writer.commit({place: [Entry(b"k", b"1")]})
    await writer.close()
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 0)
    assert [record.value for record in await polled(reader, 1)] == [b"1"]
    async with asyncio.timeout(30):
        while await reader.positions([place]) != await reader.ends([place]):
            await reader.poll(0.05, 10)
    await reader.close()


async def test_partitions_are_counted(ground: Ground) -> None:
    assert await ground.log.partition_counts(ground.topics) == dict.fromkeys(ground.topics, PARTITIONS)
