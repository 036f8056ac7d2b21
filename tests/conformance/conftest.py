"""The ground that the tests of the logs stand on: in memory, and on the real broker."""

from collections.abc import AsyncIterator

import pytest

from tests.conformance.grounds import Ground, MemoryGround, kafka_ground


@pytest.fixture(params=["memory", pytest.param("kafka", marks=pytest.mark.integration)])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    if request.param == "memory":
        yield MemoryGround()
    else:
        async with kafka_ground(request.getfixturevalue("stack").bootstrap) as made:
            yield made
