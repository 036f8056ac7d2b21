"""The one document against the edge itself: whatever fits it, and whatever does not, gets a documented answer."""

from typing import Any, Final

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from truenorth_ingest.domain.keys import SCOPES

from tests.ingest.doubles import KEY, Edge, stored_key

EXAMPLES: Final = 12
CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def make_edge() -> Edge:
    edge = Edge(failures_per_minute_max=1_000_000)
    edge.keys.keys["key1"] = stored_key(scopes=frozenset(SCOPES))
    return edge


def operations() -> list[Any]:
    edge = make_edge()
    schema = schemathesis.openapi.from_asgi("/openapi.json", edge.app)
    found = [operation.ok() for operation in schema.get_all_operations()]  # type: ignore[union-attr]  # or it raises
    assert found
    return found


OPERATIONS: Final = operations()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: str(mode.value))
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: str(operation.label))
def test_every_request_gets_a_documented_answer(operation: Any, mode: GenerationMode) -> None:
    seen: list[int] = []

    @seed(6)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def check(case: Case[Any]) -> None:
        answer = case.call(headers={"authorization": f"Bearer {KEY}"})
        case.validate_response(answer, checks=CHECKS)
        seen.append(answer.status_code)
        if answer.status_code >= 400:
            told = answer.json()
            assert told["status"] == answer.status_code
            assert told["code"]
            assert told["message"]

    check()
    assert seen
