"""Definitions on the real topic: applied by command, followed by every process, never replaced by something bad."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from truenorth import topics
from truenorth.clock import SystemClock
from truenorth.definitions import bundle
from truenorth.definitions.apply import put_in_force, read_shelf
from truenorth.definitions.live import LiveDefinitions
from truenorth.definitions.model import Bundle, Definitions, Person
from truenorth.definitions.parse import load_directory
from truenorth.errors import RefusedError
from truenorth.kafka import Outgoing
from truenorth.kafka.producer import LanesProducer
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

pytestmark = pytest.mark.integration

CONFIG = Path(__file__).parents[2] / "config"
SECONDS_MAX = 20


@pytest.fixture
async def restored(stack: LocalStack) -> AsyncIterator[None]:
    """Leave the example definitions in force, whatever a test applied: the topic is everybody's."""
    yield
    shelf = await read_shelf(stack.bootstrap, lambda _: None)
    await put_in_force(stack.bootstrap, load_directory(CONFIG), current=shelf.current, clock=SystemClock())


def with_person(name: str) -> Definitions:
    """Return the example definitions and one more person."""
    examples = load_directory(CONFIG)
    more = Person(id=name, name=name, email=f"{name}@example.com")
    return msgspec.structs.replace(examples, people=[*examples.people, more])


async def applied(stack: LocalStack, definitions: Definitions) -> Bundle:
    shelf = await read_shelf(stack.bootstrap, lambda _: None)
    return await put_in_force(stack.bootstrap, definitions, current=shelf.current, clock=SystemClock())


def truenorth(stack: LocalStack, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = clean_environment() | {"KAFKA_BOOTSTRAP_SERVERS": stack.bootstrap}
    command = [sys.executable, "-m", "truenorth.commands.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.usefixtures("restored")
async def test_a_process_starts_with_what_is_in_force_and_follows_the_next_apply(stack: LocalStack) -> None:
    first = await applied(stack, with_person("first"))
    changes: asyncio.Queue[Bundle] = asyncio.Queue()
    live = LiveDefinitions(stack.bootstrap, SystemClock(), on_change=changes.put_nowait)
    await live.start()
    try:
        assert live.current == first
        second = await applied(stack, with_person("second"))
        async with asyncio.timeout(SECONDS_MAX):
            while live.current != second:
                await changes.get()
        assert second.ordinal == first.ordinal + 1
        assert live.bundle(first.hash) == first, "bundles are never forgotten"
        assert live.failure is None
    finally:
        await live.stop()


@pytest.mark.usefixtures("restored")
async def test_a_bad_bundle_never_replaces_a_good_one(stack: LocalStack) -> None:
    good = await applied(stack, with_person("good"))
    topic = topics.full_name("definitions")
    producer = LanesProducer(stack.bootstrap, clock=SystemClock(), client_id="test")
    await producer.start()
    key, value = bundle.encode_bundle(bundle.make_bundle(with_person("bad"), ordinal=9_999, applied_ms=1))
    altered = value.replace(b"bad@example.com", b"bed@example.com")
    _, current = bundle.encode_current(bundle.make_bundle(with_person("bad"), ordinal=9_999, applied_ms=1))
    await producer.send_many([Outgoing(topic, key, altered)])
    await producer.send_many([Outgoing(topic, bundle.CURRENT_KEY, current)])
    await producer.stop()
    refused: list[RefusedError] = []
    shelf = await read_shelf(stack.bootstrap, refused.append)
    assert shelf.current == good
    assert {error.code for error in refused} == {"bundle_altered", "bundle_missing"}
    live = LiveDefinitions(stack.bootstrap, SystemClock())
    await live.start()
    await live.stop()
    assert live.current == good


@pytest.mark.usefixtures("restored")
async def test_the_command_shows_the_difference_and_then_has_nothing_to_do(stack: LocalStack) -> None:
    await applied(stack, with_person("gone"))
    first = await asyncio.to_thread(truenorth, stack, "apply", str(CONFIG), "--yes")
    assert first.returncode == 0, first.stderr
    assert "- people gone" in first.stdout
    expected = bundle.hash_of(load_directory(CONFIG))
    assert f"{expected} is in force" in first.stdout
    second = await asyncio.to_thread(truenorth, stack, "apply", str(CONFIG), "--yes")
    assert second.stdout == f"Nothing to do: {expected} is in force already.\n"


async def test_definitions_with_findings_are_not_applied(stack: LocalStack, tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("segments:\n  - id: one\n    nmae: One\n")
    before = await read_shelf(stack.bootstrap, lambda _: None)
    answer = await asyncio.to_thread(truenorth, stack, "apply", str(tmp_path), "--yes")
    assert answer.returncode == 1
    assert f"{tmp_path / 'bad.yaml'}:3: segments[0].nmae: unknown field 'nmae'; did you mean 'name'?" in answer.stderr
    assert (await read_shelf(stack.bootstrap, lambda _: None)).current == before.current
