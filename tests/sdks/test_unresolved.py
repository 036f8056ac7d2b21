"""Calls that come before anybody said whose they are wait, and go on once somebody does."""

import asyncio
from collections import Counter

import pytest
from truenorth.ids import random_id
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest
from tests.sdks.between import Between
from tests.sdks.sending import ALL, Sdk, send
from tests.sdks.test_calls import track
from tests.sdks.topics import events, ids

pytestmark = pytest.mark.sdks

REPLAYED_SECONDS_MAX = 60


@pytest.mark.parametrize("sdk", ALL, ids=str)
async def test_calls_before_the_group_call_are_replayed_once_when_it_comes(
    sdk: Sdk, stack: LocalStack, edge: RunningIngest, front: Between
) -> None:
    account = f"acct-{random_id()}"
    await send(sdk, front.url, edge.key, [track(account, number, context={}) for number in range(3)])
    tracked = Counter(front.sent)
    assert sum(request.answer.get("unresolved", 0) for request in front.seen) == len(tracked) == 3
    assert await ids(stack.bootstrap, "usage", account) == []
    group = {"type": "group", "userId": f"ann of {account}", "groupId": account, "traits": {"name": "Acme"}}
    await send(sdk, front.url, edge.key, [group])
    async with asyncio.timeout(REPLAYED_SECONDS_MAX):
        while len(await ids(stack.bootstrap, "usage", account)) < len(tracked):
            await asyncio.sleep(0.2)
    await send(sdk, front.url, edge.key, [track(account, 3, context={})])
    assert front.seen[-1].answer.get("unresolved", 0) == 0, "from now on the person is known"
    usage = await events(stack.bootstrap, "usage", account)
    assert Counter(event["id"] for event in usage) == tracked + Counter(front.seen[-1].ids)
