"""A running edge for every test of the SDKs, and what stands in front of it for each."""

from collections.abc import Iterator

import pytest
from truenorth_local.stack import LocalStack

from tests.ingest.running import RunningIngest, running_ingest
from tests.sdks.between import Between, between


@pytest.fixture(scope="session")
def edge(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIngest]:
    with running_ingest(stack, tmp_path_factory.mktemp("edge")) as running:
        yield running


@pytest.fixture
def front(edge: RunningIngest) -> Iterator[Between]:
    with between(edge.url) as made:
        yield made
