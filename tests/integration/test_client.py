"""The client against a real edge and a real broker."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from truenorth.client import Client, NewEvent, Refusal
from truenorth.errors import RefusedError
from truenorth.events.inputs import TicketOpened, UsageRecorded
from truenorth.events.people import TaskDone
from truenorth.ids import random_id
from truenorth.kafka.reader import read_topic
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest, running_ingest

pytestmark = pytest.mark.integration

EVENTS = 1_200
"""More than two of the largest batches."""


@pytest.fixture(scope="module")
def ingest(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("client")) as running:
        yield running


async def _ids(stack: LocalStack, topic: str, account: str) -> list[str]:
    records = [record async for record in read_topic(stack.bootstrap, f"truenorth.{topic}.v1")]
    events = [json.loads(record.value) for record in records if record.value]
    return [event["id"] for event in events if event["subject"] == account]


async def test_every_event_is_on_its_topic_once_in_order_and_refusals_are_told(
    stack: LocalStack, ingest: RunningIngest
) -> None:
    account = f"acct-{random_id()}"
    refused: list[tuple[NewEvent, Refusal]] = []

    def send() -> tuple[Client, list[str]]:
        with Client(
            ingest.url, ingest.key, source="app", on_refused=lambda event, why: refused.append((event, why))
        ) as client:
            ids = [client.send(UsageRecorded(feature="export", actor="u"), account=account) for _ in range(EVENTS)]
            client.send(TaskDone(by="dana", task_id="t"), account=account, id="not mine to say")
        return client, ids

    client, ids = await asyncio.to_thread(send)
    assert await _ids(stack, "usage", account) == ids
    assert (client.accepted, client.refused, client.lost) == (EVENTS, 1, 0)
    ((event, why),) = refused
    assert (event.id, why.code, why.field) == ("not mine to say", "type_not_accepted", "type")


async def test_an_event_that_is_sent_now_is_there_when_the_answer_is(stack: LocalStack, ingest: RunningIngest) -> None:
    account = f"acct-{random_id()}"
    client = Client(ingest.url, ingest.key)
    at = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
    answer = await asyncio.to_thread(client.send_now, TicketOpened(ticket_id="1"), account=account, id="t-1", time=at)
    assert answer.accepted == 1
    assert await _ids(stack, "tickets", account) == ["t-1"]


async def test_a_key_that_is_not_known_is_said_with_its_code(ingest: RunningIngest) -> None:
    wrong = f"{ingest.key[:-1]}{'0' if ingest.key[-1] != '0' else '1'}"
    with pytest.raises(RefusedError) as refused:
        await asyncio.to_thread(Client(ingest.url, wrong).send_now, TicketOpened(ticket_id="1"), account="a")
    assert refused.value.code.startswith("key_")
