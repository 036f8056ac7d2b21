"""Concurrent questions go to the table together, and each gets its own answer."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from truenorth.errors import TransientError
from truenorth_ingest.handlers.gathering import LOOKUPS_PER_QUESTION_MAX, GatheredQuestions


class SlowTable:
    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.fail = False

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        self.asked.append(sorted(lookups))
        await asyncio.sleep(0.001)
        if self.fail:
            raise TransientError("away")
        return {lookup: (f"account of {lookup}",) for lookup in lookups if not lookup.startswith("unknown")}


async def test_what_is_asked_while_a_question_is_under_way_is_the_next_question() -> None:
    table = SlowTable()
    gathered = GatheredQuestions(table)
    first = asyncio.create_task(gathered.accounts_of(["a"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    rest = [asyncio.create_task(gathered.accounts_of(lookups)) for lookups in (["b", "c"], ["c", "unknown"], ["d"])]
    told = await asyncio.gather(first, *rest)
    assert table.asked == [["a"], ["b", "c", "d", "unknown"]]
    assert told[2] == {"c": ("account of c",)}
    assert [set(one) for one in told] == [{"a"}, {"b", "c"}, {"c"}, {"d"}]


async def test_a_table_that_is_away_is_told_to_everybody_and_asked_again() -> None:
    table = SlowTable()
    gathered = GatheredQuestions(table)
    table.fail = True
    outcomes = await asyncio.gather(*(gathered.accounts_of([name]) for name in "ab"), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [TransientError, TransientError]
    table.fail = False
    assert await gathered.accounts_of(["a"]) == {"a": ("account of a",)}


async def test_a_defect_is_raised_where_it_was_asked_and_leaves_nobody_waiting() -> None:
    class Broken(SlowTable):
        async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
            told = await super().accounts_of(lookups)
            if "bad" in lookups:
                raise KeyError("a defect")
            return told

    gathered = GatheredQuestions(Broken())
    bad = asyncio.create_task(gathered.accounts_of(["bad"]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    good = asyncio.create_task(gathered.accounts_of(["a"]))
    async with asyncio.timeout(5):
        with pytest.raises(KeyError):
            await bad
        assert await good == {"a": ("account of a",)}


async def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    gathered = GatheredQuestions(SlowTable())
    gone, stays = (asyncio.create_task(gathered.accounts_of([name])) for name in "ab")
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == {"b": ("account of b",)}
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_a_question_has_a_limit() -> None:
    table = SlowTable()
    gathered = GatheredQuestions(table)
    many = [f"l{number}" for number in range(LOOKUPS_PER_QUESTION_MAX)]
    told = await asyncio.gather(*(gathered.accounts_of(lookups) for lookups in (["a"], many, many[:2])))
    assert [len(one) for one in told] == [1, LOOKUPS_PER_QUESTION_MAX, 2]
    assert max(len(asked) for asked in table.asked) <= LOOKUPS_PER_QUESTION_MAX
