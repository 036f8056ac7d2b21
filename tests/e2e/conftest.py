"""The whole platform, services and all, on free ports."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from truenorth.clock import SystemClock
from truenorth_local.places import Ports
from truenorth_local.services import clean_environment
from truenorth_local.stack import LocalStack

from tests.e2e.platform import Platform, config_with_webhook
from tests.e2e.receiver import WebhookReceiver


@pytest.fixture(scope="session")
def receiver() -> Iterator[WebhookReceiver]:
    """A real HTTP server that keeps the webhooks it gets."""
    with WebhookReceiver() as running:
        yield running


@pytest.fixture(scope="session")
def platform(receiver: WebhookReceiver) -> Iterator[Platform]:
    """Every service, ready, with the example definitions and alerts routed to the receiver as well."""
    folder = Path(tempfile.mkdtemp(prefix="truenorth-e2e-"))
    environment = clean_environment() | {"TRUENORTH_WEBHOOK_ALLOW_PRIVATE": "yes"}
    stack = LocalStack(
        folder / "state", ports=Ports.free(), environment=environment, clock=SystemClock(), durable=False
    )
    try:
        running = Platform(stack, config_with_webhook(folder / "config", receiver.url), receiver)
        running.start()
        yield running
    finally:
        stack.stop()
        shutil.rmtree(folder)
