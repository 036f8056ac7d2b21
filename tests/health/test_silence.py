"""A source is silent when nobody was heard for as long as the definitions say, and only when the broker says so."""

import pytest
from truenorth.clock import ManualClock
from truenorth.definitions.model import Bundle, Definitions, Source
from truenorth.topics import BY_NAME, full_name
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions
from truenorth_health.adapters.silence import RETRY_S, SourceSilence

from tests.health.builders import DAY, HOUR, NOON, support_card
from tests.health.topics_in_memory import TopicsInMemory

USAGE, TICKETS = full_name("usage"), full_name("tickets")


class Watch:
    """A source's silence under a clock that stands still; ``said`` are the reasons to decide again."""

    def __init__(self, *sources: Source) -> None:
        self.clock = ManualClock(NOON)
        self.topics = TopicsInMemory()
        self.said: list[str] = []
        self.bundle: Bundle | None = None
        self.define(*(sources or (Source(id="usage", silent_after="6h"),)))
        self.silence = SourceSilence(
            self.topics.silent_topics,
            lambda: self.bundle,
            clock=self.clock,
            every_s=30,
            on_change=lambda: self.said.append(self.silence.reason("hash")),
        )

    def define(self, *sources: Source) -> None:
        definitions = Definitions(scorecards=[support_card()], sources=list(sources))
        self.bundle = Bundle("hash", 1, 0, definitions)


async def test_a_source_nobody_was_heard_on_is_silent_since_its_newest_record() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - 7 * HOUR)
    watch.topics.send(USAGE, NOON - 6 * HOUR - 1)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {"usage": NOON - 6 * HOUR - 1}
    assert watch.silence.seconds() == {"usage": 6 * 3600 + 0.001}
    assert watch.said == [f"hash+usage@{NOON - 6 * HOUR - 1}"]


async def test_a_silence_longer_than_there_was_time_never_is() -> None:
    watch = Watch()
    watch.define(Source(id="usage", silent_after="99999d"))
    watch.topics.send(USAGE, NOON - DAY)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {}


async def test_one_record_within_the_time_is_enough() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - 6 * HOUR)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {}
    assert watch.silence.seconds() == {"usage": 0}
    assert watch.said == []


async def test_a_topic_without_any_record_yet_is_not_silent() -> None:
    watch = Watch()
    await watch.silence.look()
    assert watch.silence.at(NOON) == {}


async def test_a_source_speaks_again_with_its_next_record() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - DAY)
    await watch.silence.look()
    await watch.silence.look()
    watch.topics.send(USAGE, NOON)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {}
    assert watch.said == [f"hash+usage@{NOON - DAY}", "hash"]


async def test_a_silence_outlives_the_records_it_began_after() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - DAY)
    await watch.silence.look()
    watch.topics.purge(USAGE)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {"usage": NOON - DAY}
    assert len(watch.said) == 1


async def test_after_a_restart_a_topic_that_retention_emptied_is_silent_since_before_its_retention() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - 200 * DAY)
    watch.topics.purge(USAGE)
    await watch.silence.look()
    days = BY_NAME["usage"].retention_days or 0
    assert watch.silence.at(NOON) == {"usage": NOON - NOON % DAY - days * DAY}


async def test_nothing_is_declared_nor_taken_back_while_the_broker_does_not_answer() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - DAY)
    watch.topics.is_away = True
    await watch.silence.look()
    assert (watch.silence.at(NOON), watch.silence.known) == ({}, False)
    watch.topics.is_away = False
    await watch.silence.look()
    watch.topics.is_away = True
    watch.topics.send(USAGE, NOON)
    await watch.silence.look()
    assert watch.silence.at(NOON) == {"usage": NOON - DAY}
    assert len(watch.said) == 1


async def test_the_broker_is_asked_every_so_often_and_sooner_after_no_answer() -> None:
    watch = Watch()
    await watch.silence.tick()
    await watch.silence.tick()
    assert watch.topics.asked == 1
    watch.clock.advance(seconds=30)
    watch.topics.is_away = True
    await watch.silence.tick()
    watch.clock.advance(seconds=RETRY_S)
    await watch.silence.tick()
    assert watch.topics.asked == 3


async def test_a_source_that_definitions_begin_to_name_is_asked_for_at_once() -> None:
    watch = Watch()
    watch.topics.send(TICKETS, NOON - DAY)
    await watch.silence.tick()
    watch.define(Source(id="usage", silent_after="6h"), Source(id="tickets", silent_after="6h"))
    known = [watch.silence.known]
    await watch.silence.tick()
    assert [*known, watch.silence.known] == [False, True]
    assert watch.silence.at(NOON) == {"tickets": NOON - DAY}
    watch.define()
    await watch.silence.tick()
    assert (watch.silence.at(NOON), watch.silence.seconds()) == ({}, {})


async def test_a_decision_as_of_an_earlier_moment_knows_of_no_later_silence() -> None:
    watch = Watch()
    watch.topics.send(USAGE, NOON - DAY)
    await watch.silence.look()
    assert watch.silence.at(NOON - DAY) == {"usage": NOON - DAY}
    assert watch.silence.at(NOON - DAY - 1) == {}


@pytest.mark.parametrize("is_away", [False, True])
async def test_no_account_is_decided_before_it_is_known_who_is_silent(is_away: bool) -> None:
    watch = Watch()
    watch.topics.is_away = is_away
    processor = AccountProcessor(CompiledDefinitions(lambda: watch.bundle), watch.silence)
    assert not processor.ready()
    await watch.silence.look()
    assert processor.ready() is not is_away
