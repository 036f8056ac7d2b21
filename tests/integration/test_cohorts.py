"""Cohorts on a real broker: a worker counts its partitions, its faust agent sums them and publishes the totals."""

import asyncio
from datetime import date, timedelta

import pytest
from truenorth import codec
from truenorth.clock import SystemClock, date_of_day, day_of
from truenorth.events.health import CohortUpdated
from truenorth.events.inputs import AccountUpdated, UsageRecorded
from truenorth.kafka.reader import read_topic
from truenorth.kafka.records import partition_of
from truenorth.topics import PARTITIONS_DEFAULT, full_name

from tests.e2e.platform import eventually
from tests.integration.one_worker import OneWorker, one_worker

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]

TELL_S_MAX = 60.0
DEFINITIONS = """
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
segments:
  - {id: large, name: Large, match: {seats_from: 100}}
  - {id: small, name: Small}
milestones:
  - {id: first-use, name: First use, count: events, need: 2, within_days: 14}
"""


def cohorts(worker: OneWorker) -> dict[str, CohortUpdated]:
    """Return what lies on `cohorts`, by key."""

    async def read() -> dict[str, CohortUpdated]:
        found: dict[str, CohortUpdated] = {}
        async for record in read_topic(worker.stack.bootstrap, full_name("cohorts")):
            key = (record.key or b"").decode()
            if record.value is None:
                del found[key]
            else:
                assert codec.parse_event(record.value).account == key
                found[key] = codec.parse_as(record.value, CohortUpdated)
        return found

    return asyncio.run(read())


def of_two_partitions(count: int) -> list[str]:
    """Return account ids that fall in two partitions in turn."""
    found: dict[int, list[str]] = {0: [], 1: []}
    number = 0
    while min(map(len, found.values())) * 2 < count:
        number += 1
        name = f"account_{number}"
        place = partition_of(name.encode(), PARTITIONS_DEFAULT)
        if place in found and len(found[place]) * 2 < count:
            found[place].append(name)
    return [*found[0], *found[1]]


def signed_up(day: date, *, seats: int = 5) -> AccountUpdated:
    return AccountUpdated(name="Somebody", owner_id="dana", signed_up_on=day.isoformat(), seats=seats)


def test_the_accounts_of_all_partitions_are_summed_and_a_cohort_without_any_is_deleted() -> None:
    today = date_of_day(day_of(SystemClock().now_ms()))
    names = of_two_partitions(8)
    with one_worker(DEFINITIONS, {}) as worker:

        def wait(**wanted: tuple[int, int, int, int]) -> dict[str, CohortUpdated]:
            """Wait for (pending, reached, late, missed) per segment, of all."""

            def look() -> dict[str, CohortUpdated] | None:
                found = cohorts(worker)
                now = {one.segment: (one.pending, one.reached, one.reached_late, one.missed) for one in found.values()}
                return found if now == wanted else None

            return eventually(look, what=f"the cohorts {wanted}", seconds=TELL_S_MAX)

        worker.tell("accounts", **{name: signed_up(today) for name in names[:-2]})
        worker.tell("accounts", **{name: signed_up(today - timedelta(days=30)) for name in names[-2:]})
        worker.tell("usage", **{name: UsageRecorded("board", count=2) for name in (names[0], names[4], names[-1])})
        found = wait(small=(4, 2, 1, 1))
        small = found["first-use/small"]
        assert (small.accounts, small.settled, small.share_reached, small.median_days) == (8, 4, 0.75, 0)

        process = worker.stack.processes.pop("health")
        process.kill()
        process.log.close()
        worker.stack.start_service("health")
        worker.tell("accounts", **{names[0]: signed_up(today, seats=500)})
        wait(small=(4, 1, 1, 1), large=(0, 1, 0, 0))
        worker.tell("accounts", **{names[0]: signed_up(today, seats=5)})
        assert wait(small=(4, 2, 1, 1))["first-use/small"].version == small.version
