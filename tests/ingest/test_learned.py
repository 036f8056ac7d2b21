"""Whose account it is, remembered: at once what is said, soon what others learn, and never a guess."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
from truenorth.clock import ManualClock
from truenorth.kafka import Record
from truenorth_ingest.domain.drafts import IDENTITIES_TOPIC, identity_key
from truenorth_ingest.handlers.learned import AWAY_SECONDS, KNOWN_SECONDS, LAG_SECONDS, UNKNOWN_SECONDS, LearnedAccounts
from truenorth_ingest.worker import LearnedReader

from tests.ingest.doubles import FakeAccountMap

ONE = "actor:p_1"


class Remembering:
    def __init__(self) -> None:
        self.table, self.clock = FakeAccountMap(), ManualClock()
        self.accounts = LearnedAccounts(self.table, self.clock, remembered_max=3)
        self.reader = LearnedReader(self.accounts)

    async def found(self, lookup: str = ONE) -> list[str] | None:
        """Return the accounts found; None where nobody could be asked."""
        accounts = (await self.accounts.find([lookup])).get(lookup, ())
        return None if accounts is None else list(accounts)


@pytest.fixture
def one() -> Remembering:
    return Remembering()


async def test_an_answer_holds_for_a_while_and_an_unknown_lookup_is_asked_again_soon(one: Remembering) -> None:
    assert await one.found() == []
    one.table.known[ONE] = ["a"]
    assert await one.found() == []
    one.clock.advance(seconds=UNKNOWN_SECONDS)
    assert await one.found() == ["a"]
    one.table.known[ONE] = ["b"]
    assert await one.found() == ["a"]
    one.clock.advance(seconds=KNOWN_SECONDS)
    assert await one.found() == ["b"]


async def test_what_is_noted_counts_before_the_table_has_it_and_beside_what_the_table_has(one: Remembering) -> None:
    one.accounts.note(ONE, "a")
    assert await one.found() == ["a"]
    one.table.known["actor:p_2"] = ["a"]
    one.accounts.note("actor:p_2", "b")
    assert await one.found("actor:p_2") == ["a", "b"], "never one of two"


async def test_what_is_forgotten_is_gone_before_the_table_knows(one: Remembering) -> None:
    one.table.known[ONE] = ["a", "b"]
    assert await one.found() == ["a", "b"]
    one.accounts.forget(ONE, "b")
    assert await one.found() == ["a"]
    assert one.accounts.is_news(ONE, "b")
    one.accounts.forget(ONE, "a")
    assert await one.found() == [], "the table still says both"
    one.clock.advance(seconds=LAG_SECONDS)
    assert await one.found() == ["a", "b"]


class Silent:
    """A table behind a network that is cut off."""

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        await asyncio.Event().wait()
        raise AssertionError(lookups)


async def test_while_the_table_is_away_the_known_stays_known_and_nothing_is_guessed(one: Remembering) -> None:
    one.table.known[ONE] = ["a"]
    await one.found()
    one.clock.advance(seconds=KNOWN_SECONDS)
    one.table.down = True
    one.accounts.note("actor:p_2", "b")
    assert await one.found() == ["a"]
    assert await one.found("actor:p_2") is None, "the table may know of another account"
    one.table.down = False
    assert await one.found("actor:p_2") is None, "it is not asked at once again"
    one.clock.advance(seconds=AWAY_SECONDS)
    assert await one.found("actor:p_2") == ["b"]


async def test_a_table_that_does_not_answer_at_all_is_away(one: Remembering) -> None:
    accounts = LearnedAccounts(Silent(), one.clock, table_seconds_max=0.01)
    assert await accounts.find([ONE]) == {ONE: None}


async def test_news_is_told_once(one: Remembering) -> None:
    assert one.accounts.is_news(ONE, "a")
    one.accounts.note(ONE, "a")
    assert not one.accounts.is_news(ONE, "a")
    assert one.accounts.is_news(ONE, "b")


async def test_the_oldest_are_let_go(one: Remembering) -> None:
    for number in range(5):
        one.table.known[f"s:{number}"] = ["a"]
        await one.found(f"s:{number}")
    one.table.down = True
    one.clock.advance(seconds=KNOWN_SECONDS)
    assert await one.found("s:0") is None
    assert await one.found("s:4") == ["a"]


async def test_what_another_process_says_on_the_topic_counts_here(one: Remembering) -> None:
    one.table.known[ONE] = ["a"]
    assert await one.found() == ["a"]
    key = identity_key(ONE, "b")
    await one.reader.handle([Record(IDENTITIES_TOPIC, 0, 7, key, b"{}", 0)])
    assert await one.found() == ["a", "b"]
    await one.reader.handle(
        [Record(IDENTITIES_TOPIC, 0, 8, key, None, 0), Record(IDENTITIES_TOPIC, 0, 9, b"?", b"", 0)]
    )
    assert await one.found() == ["a"]


async def test_when_reading_begins_anew_everything_is_asked_again(one: Remembering) -> None:
    one.table.known[ONE] = ["a"]
    await one.found()
    one.table.known[ONE] = ["b"]
    assert await one.reader.position({(IDENTITIES_TOPIC, 0)}) == {}
    assert await one.found() == ["b"]
