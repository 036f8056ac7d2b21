"""What is not committed is not there, on every log: aborted, still open, or shut out by another writer."""

import asyncio

import pytest
from truenorth.errors import HaltError, TransientError
from truenorth.kafka import partition_of
from truenorth.streams.log import Entry

from tests.conformance.grounds import PARTITIONS, WAIT_S, Ground, assigned, drained, polled

pytestmark = pytest.mark.timeout(180)

KEY = b"k"


def place_of(topic: str) -> tuple[str, int]:
    return topic, partition_of(KEY, PARTITIONS)


async def test_aborted_records_are_not_seen_and_take_their_offsets(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    transaction = await ground.begin(f"{ground.group}-sender")
    await transaction.write(place, b"1", b"2")
    await transaction.finish(committed=False)
    await ground.send(ground.topics[0], KEY, b"3")
    (found,) = await drained(ground.log, place, 3)
    assert (found.offset >= 2, found.value) == (True, b"3")  # the broker writes the end of an abort in its own time
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 0)
    assert await polled(reader, 1) == [found]
    await reader.close()


async def test_an_open_transaction_holds_readers_back(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    await ground.send(ground.topics[0], KEY, b"0")
    transaction = await ground.begin(f"{ground.group}-sender")
    await transaction.write(place, b"1")
    await ground.send(ground.topics[0], KEY, b"2")
    assert (await ground.log.spans([place]))[place] == (0, 1)
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    assert await reader.ends([place]) == {place: 1}
    reader.begin(place, 0)
    assert [record.value for record in await polled(reader, 1)] == [b"0"]
    for _ in range(5):
        assert not await reader.poll(0.05, 10)
    assert await reader.positions([place]) == {place: 1}
    await transaction.finish(committed=True)
    assert [record.value for record in await polled(reader, 2)] == [b"1", b"2"]
    assert await reader.ends([place]) == {place: 4}
    await reader.close()


async def test_reading_through_waits_for_what_is_open_before(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    transaction = await ground.begin(f"{ground.group}-sender")
    await transaction.write(place, b"1")
    await ground.send(ground.topics[0], KEY, b"2")
    reading = asyncio.create_task(drained(ground.log, place, 1))
    await ground.wait_a_little()
    assert not reading.done()
    await transaction.finish(committed=True)
    async with asyncio.timeout(WAIT_S):
        assert [record.value for record in await reading] == [b"1", b"2"]


async def test_opening_a_writer_undoes_what_its_predecessor_had_open(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    transaction = await ground.begin(f"{ground.group}-0")
    await transaction.write(place, b"1")
    writer = await ground.log.open_writer(f"{ground.group}-0")
    last = (await writer.commit({place: [Entry(KEY, b"2")]}))[place]
    assert last == 2
    assert [record.value for record in await drained(ground.log, place, last)] == [b"2"]
    await writer.close()


@pytest.mark.filterwarnings("ignore")  # the client complains about the transaction that is given up
async def test_a_writer_is_shut_out_in_the_middle_of_its_transaction(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    transaction = await ground.begin(f"{ground.group}-0")
    await transaction.write(place, b"1")
    writer = await ground.log.open_writer(f"{ground.group}-0")
    with pytest.raises(Exception, match=r"(?i)fenced|epoch|took over"):
        await transaction.finish(committed=True)
    last = (await writer.commit({place: [Entry(KEY, b"2")]}))[place]
    assert [record.value for record in await drained(ground.log, place, last)] == [b"2"]
    await writer.close()


async def test_a_writer_that_was_shut_out_stays_so(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    old = await ground.log.open_writer(f"{ground.group}-0")
    new = await ground.log.open_writer(f"{ground.group}-0")
    await new.commit({place: [Entry(KEY, b"new")]})
    with pytest.raises(TransientError):
        await old.commit({place: [Entry(KEY, b"old")]})
    newest = await ground.log.open_writer(f"{ground.group}-0")
    with pytest.raises(TransientError):
        await new.commit({place: [Entry(KEY, b"too late")]})
    last = (await newest.commit({place: [Entry(KEY, b"newest")]}))[place]
    assert [record.value for record in await drained(ground.log, place, last)] == [b"new", b"newest"]
    for writer in (old, new, newest):
        await writer.close()


async def test_writers_of_other_ids_are_not_shut_out(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    one = await ground.log.open_writer(f"{ground.group}-0")
    other = await ground.log.open_writer(f"{ground.group}-1")
    await one.commit({place: [Entry(KEY, b"1")]})
    await other.commit({place: [Entry(KEY, b"2")]})
    last = (await one.commit({place: [Entry(KEY, b"3")]}))[place]
    assert [record.value for record in await drained(ground.log, place, last)] == [b"1", b"2", b"3"]
    await one.close()
    await other.close()


async def test_a_position_below_the_first_record_halts(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    for value in (b"1", b"2", b"3"):
        await ground.send(ground.topics[0], KEY, value)
    await ground.trim(place, 2)
    assert (await ground.log.spans([place]))[place] == (2, 3)
    assert [record.value for record in await drained(ground.log, place, 2)] == [b"3"]
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 1)
    with pytest.raises(HaltError, match="outside of the log"):
        await polled(reader, 1)
    await reader.close()


async def test_a_position_after_the_end_halts(ground: Ground) -> None:
    place = place_of(ground.topics[0])
    await ground.send(ground.topics[0], KEY, b"1")
    reader = await ground.log.join(ground.group, ground.topics, None)
    await assigned(reader)
    reader.begin(place, 5)
    with pytest.raises(HaltError, match="outside of the log"):
        await polled(reader, 1)
    await reader.close()


async def test_compaction_keeps_the_last_record_of_each_key_and_its_offset(ground: Ground) -> None:
    place = place_of(ground.compacted)
    for value in (b"1", b"2", b"3", None):
        await ground.send(ground.compacted, KEY, value)
    writer = await ground.log.open_writer(f"{ground.group}-0")
    await writer.commit({place: [Entry(b"other", b"1"), Entry(b"other", b"2")]})
    rounds = 0
    async with asyncio.timeout(150):
        while True:
            last = (await writer.commit({place: [Entry(b"round", str(rounds).encode())]}))[place]  # rolls the segment
            rounds += 1
            await ground.compact()
            found = await drained(ground.log, place, last)
            if [record.key for record in found].count(KEY) == 1:
                break
    await writer.close()
    kept = {record.offset: (record.key, record.value) for record in found}
    assert kept[3] == (KEY, None)  # a tombstone is there for readers that follow
    assert kept[5] == (b"other", b"2")
    assert max(kept) == last
    assert [record.offset for record in found] == sorted(kept)
    reader = await ground.log.join(ground.group, [ground.compacted], None)
    await assigned(reader, count=PARTITIONS)
    reader.begin(place, 1)  # a position at which there is nothing any more
    assert [record.offset for record in await polled(reader, 2)][:2] == [3, 5]
    await reader.close()
