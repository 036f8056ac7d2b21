"""Every log gives the members of a group their shares in the same way."""

import pytest
from truenorth.streams.log import Reader

from tests.conformance.grounds import WIDE_PARTITIONS, Ground, assigned

pytestmark = pytest.mark.timeout(180)


def numbers(reader: Reader, topic: str) -> list[int]:
    return sorted(number for name, number in reader.assignment or () if name == topic)


async def test_three_members_get_runs_of_numbers_the_same_of_each_topic(ground: Ground) -> None:
    readers = [await ground.log.join(ground.group, ground.wide, None) for _ in range(3)]
    await assigned(*readers, count=2 * WIDE_PARTITIONS)
    first, second = ground.wide
    shares = sorted(numbers(reader, first) for reader in readers)
    assert shares == [[0, 1], [2, 3], [4]]
    assert all(numbers(reader, first) == numbers(reader, second) for reader in readers)
    for reader in readers:
        await reader.close()


async def test_more_members_than_partitions_leave_some_without_a_share(ground: Ground) -> None:
    readers = [await ground.log.join(ground.group, ground.topics, None) for _ in range(3)]
    await assigned(*readers)
    assert sorted(len(reader.assignment or ()) for reader in readers) == [0, 2, 2]
    for reader in readers:
        await reader.close()


async def test_who_leaves_gives_its_share_to_the_others(ground: Ground) -> None:
    one, other = [await ground.log.join(ground.group, ground.wide, None) for _ in range(2)]
    await assigned(one, other, count=2 * WIDE_PARTITIONS)
    before = other.generation
    await one.close()
    await assigned(other, count=2 * WIDE_PARTITIONS)
    assert other.generation > before
    await other.close()


async def test_the_share_of_one_that_is_not_heard_of_is_given_away_in_the_end(ground: Ground) -> None:
    one, other = [await ground.log.join(ground.group, ground.wide, None) for _ in range(2)]
    await assigned(one, other, count=2 * WIDE_PARTITIONS)
    await ground.crash(one)
    await assigned(other, count=2 * WIDE_PARTITIONS)
    await other.close()


async def test_nothing_is_begun_after_a_change_of_the_assignment(ground: Ground) -> None:
    one = await ground.log.join(ground.group, ground.topics, None)
    await assigned(one)
    for place in one.assignment or ():
        one.begin(place, 0)
    assert len(await one.positions(list(one.assignment or ()))) == 4
    other = await ground.log.join(ground.group, ground.topics, None)
    await assigned(one, other)
    assert await one.positions(list(one.assignment or ())) == {}
    await one.close()
    await other.close()
