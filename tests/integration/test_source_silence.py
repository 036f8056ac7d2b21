"""A source that is silent for everybody, on a real broker: what that says of its topics, and what a worker does."""

import pytest
from truenorth.events.health import HealthUpdated
from truenorth.events.inputs import AccountUpdated, TicketOpened, UsageRecorded
from truenorth.kafka.log import KafkaLog
from truenorth.kafka.newest import silent_topics
from truenorth.kafka.reader import read_topic
from truenorth.streams.log import Entry
from truenorth_local.stack import LocalStack

from tests.e2e.platform import eventually
from tests.health.topics_in_memory import TopicsInMemory
from tests.integration.one_worker import one_worker
from tests.integration.test_kafka_clients import new_topic

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


async def times_of(bootstrap: str, topic: str) -> list[int]:
    return [record.timestamp_ms async for record in read_topic(bootstrap, topic)]


async def test_the_broker_says_who_is_silent_and_since_when_as_the_one_in_memory_does(stack: LocalStack) -> None:
    bootstrap = stack.bootstrap
    used, fresh = await new_topic(bootstrap), await new_topic(bootstrap)
    writer = await KafkaLog(bootstrap, client_id="tests").open_writer(used)
    for _ in range(3):  # each ends with the mark of a transaction, which is no record
        await writer.commit({(used, number): [Entry(b"k", b"v")] for number in (0, 2)})
    await writer.close()
    memory = TopicsInMemory()
    times = await times_of(bootstrap, used)
    for at_ms in times:
        memory.send(used, at_ms)
    assert len(times) == 6
    for moment_ms in (0, min(times), max(times), max(times) + 3_600_000):
        moments = {used: moment_ms, fresh: moment_ms}
        assert await silent_topics(bootstrap, moments) == await memory.silent_topics(moments)


DEFINITIONS = """
sources:
  - {id: usage, silent_after: 4s}
scorecards:
  - id: plain
    coverage_floor: 0
    bands: {red: {enter: 40, leave: 45}, yellow: {enter: 70, leave: 75}}
    dimensions:
      - id: usage
        name: Usage
        weight: 1
        measures:
          - {id: quiet, name: Quiet, signal: days_since_activity, weight: 1, linear: {worst: 14, best: 0}}
      - id: support
        name: Support
        weight: 1
        measures:
          - {id: open, name: Open, signal: open_tickets, weight: 1, linear: {worst: 10, best: 0}}
"""


def test_a_silent_source_lowers_coverage_and_no_score_until_it_speaks_again() -> None:
    with one_worker(DEFINITIONS, {"TRUENORTH_HEALTH_SILENCE_CHECK_SECONDS": "1"}) as worker:

        def silent() -> HealthUpdated | None:
            now = worker.snapshot("quiet")
            return now if now is not None and now.point.silent else None

        def speaking_again() -> HealthUpdated | None:
            worker.tell("usage", quiet=UsageRecorded("board"))
            told = [now for now in worker.snapshots("quiet") if now.revision > first.revision and not now.point.silent]
            return told[0] if told else None

        worker.tell("accounts", quiet=AccountUpdated(name="Quiet", owner_id="dana"))
        worker.tell("usage", quiet=UsageRecorded("board"))
        worker.tell("tickets", quiet=TicketOpened("t1"))
        first = eventually(silent, what="the silence")
        assert first.point.silent.keys() == {"usage"}
        assert (first.coverage, first.score) == (0.5, 95.0)
        assert worker.differences() == []
        second = eventually(speaking_again, what="its end")
        assert (second.coverage, second.score) == (1.0, 95.0)
