"""The broker is gone for a minute while SDKs send: nothing is lost."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from truenorth.clock import SystemClock
from truenorth.ids import random_id
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.ingest.running import running_ingest
from tests.sdks.between import Between, between
from tests.sdks.sending import SEGMENT_NODE, SEGMENT_PYTHON, Call, Outcome, Sdk, send
from tests.sdks.test_calls import track
from tests.sdks.topics import ids

pytestmark = pytest.mark.sdks

AWAY_SECONDS = 60
CALLS = 700
PAUSE_MS = 100


@pytest.fixture
def own_stack() -> Iterator[LocalStack]:
    """A stack whose broker may be killed."""
    folder = Path(tempfile.mkdtemp(prefix="truenorth-test-"))
    own = LocalStack(folder, ports=Ports.free(), environment=clean_environment(), clock=SystemClock(), durable=False)
    try:
        own.start_backing()
        own.create_topics()
        yield own
    finally:
        own.stop()
        shutil.rmtree(folder)


@pytest.mark.timeout(420)
async def test_a_minute_without_the_broker_loses_nothing(own_stack: LocalStack, tmp_path: Path) -> None:
    # What only 429 makes wait sends to an edge that answers 429 when it is busy.
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with (
        running_ingest(own_stack, tmp_path / "a") as plain,
        running_ingest(own_stack, tmp_path / "b", TRUENORTH_INGEST_BUSY_STATUS="429") as busy,
        between(plain.url) as before_plain,
        between(busy.url) as before_busy,
    ):
        sending = [
            asyncio.create_task(_steadily(SEGMENT_PYTHON, before_plain, plain.key, {})),
            asyncio.create_task(_steadily(SEGMENT_NODE, before_busy, busy.key, {"flushInterval": 1000})),
        ]
        await asyncio.sleep(8)
        await asyncio.to_thread(own_stack.processes["kafka"].kill)
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(own_stack.revive, "kafka")
        for sdk, front, status, (account, outcome) in zip(
            (SEGMENT_PYTHON, SEGMENT_NODE),
            (before_plain, before_busy),
            (503, 429),
            await asyncio.gather(*sending),
            strict=True,
        ):
            assert outcome.errors == [], sdk
            assert {request.status for request in front.seen} == {200, status}, sdk
            assert len(set(front.sent)) == CALLS, sdk
            on_topic = Counter(await ids(own_stack.bootstrap, "usage", account))
            assert set(on_topic) == set(front.sent), sdk


async def _steadily(sdk: Sdk, front: Between, key: str, options: dict[str, object]) -> tuple[str, Outcome]:
    account = f"acct-{random_id()}"
    calls: list[Call] = [track(account, number) for number in range(CALLS)]
    return account, await send(sdk, front.url, key, calls, options=options, pause_ms=PAUSE_MS)
