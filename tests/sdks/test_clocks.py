"""A sender whose clock is wrong: the edge makes it good by what the SDK says of when it sends."""

from datetime import UTC, datetime, timedelta

import pytest
from truenorth.ids import random_id
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest
from tests.sdks.between import Between
from tests.sdks.sending import ALL, Sdk, send
from tests.sdks.test_calls import track
from tests.sdks.topics import events

pytestmark = pytest.mark.sdks

HOUR = 3600
SLACK = timedelta(seconds=60)


@pytest.mark.parametrize("ahead_seconds", [-5 * HOUR, 3 * HOUR])
@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_a_wrong_clock_is_made_good(
    sdk: Sdk, ahead_seconds: int, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    await send(sdk, front.url, edge.key, [track(account)], ahead_seconds=ahead_seconds)
    now = datetime.now(UTC)
    told = datetime.fromisoformat(front.seen[0].body["sentAt"])
    assert abs(told - now - timedelta(seconds=ahead_seconds)) < SLACK, "the SDK believes its clock"
    (event,) = await events(stack.bootstrap, "usage", account)
    assert abs(datetime.fromisoformat(event["time"]) - now) < SLACK


@pytest.mark.parametrize("sdk", ALL[:-1], ids=str)
async def test_a_time_of_the_past_stays_as_it_was_told(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=3)
    await send(sdk, front.url, edge.key, [track(account, timestamp=at.isoformat())])
    (event,) = await events(stack.bootstrap, "usage", account)
    assert abs(datetime.fromisoformat(event["time"]) - at) < timedelta(seconds=1)
