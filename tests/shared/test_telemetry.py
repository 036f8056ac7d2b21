"""Probes and metrics over real HTTP, on a port of their own."""

from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import Counter
from truenorth.errors import MissingError
from truenorth.telemetry import TelemetryServer, make_registry


class Answers:
    """What the probes say."""

    live: str | None = None
    ready: str | None = "definitions are not known yet"


@pytest.fixture
async def served() -> AsyncIterator[tuple[Answers, httpx.AsyncClient]]:
    answers = Answers()
    registry = make_registry()
    Counter("truenorth_things_total", "Things.", registry=registry).inc()
    server = TelemetryServer("127.0.0.1", 0, live=lambda: answers.live, ready=lambda: answers.ready, registry=registry)
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        yield answers, client
    await server.stop()


async def test_a_probe_says_in_a_sentence_what_is_missing(served: tuple[Answers, httpx.AsyncClient]) -> None:
    answers, client = served
    response = await client.get("/readyz")
    assert (response.status_code, response.text) == (503, "definitions are not known yet\n")
    answers.ready = None
    assert (await client.get("/readyz")).status_code == 200
    assert (await client.get("/livez")).text == "ok\n"


async def test_metrics_tell_ours_and_the_process(served: tuple[Answers, httpx.AsyncClient]) -> None:
    text = (await served[1].get("/metrics")).text
    assert "truenorth_things_total 1.0" in text
    assert "process_cpu_seconds_total" in text


async def test_other_paths_say_what_there_is(served: tuple[Answers, httpx.AsyncClient]) -> None:
    response = await served[1].get("/")
    assert response.status_code == 404
    assert "/metrics" in response.text


async def test_a_taken_port_is_said_with_the_remedy(served: tuple[Answers, httpx.AsyncClient]) -> None:
    port = served[1].base_url.port
    assert port is not None
    second = TelemetryServer("127.0.0.1", port, live=lambda: None, ready=lambda: None)
    with pytest.raises(MissingError, match=f"127.0.0.1:{port}.*set another port"):
        await second.start()
