"""Time and chance come in as arguments."""

import ast
from functools import lru_cache

import pytest

from tests.tidy.calls import banned_calls
from tests.tidy.tree import PRODUCT, nodes, python_files

ALLOWED = {
    "shared/truenorth/clock.py": "it is the clock",
    "shared/truenorth/ids.py": "it is the source of ids and secrets",
}
REAL_TIME_TESTS = (
    "tests/e2e/",
    "tests/integration/",
    "tests/benchmarks/",
    "tests/conformance/",
    "tests/deploy/",
    "tests/sdks/",
)
"""They drive real processes, which live by the machine's clock."""


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import time\ntime.time()", "time.time"),
        ("from time import monotonic as m\nm()", "time.monotonic"),
        ("import datetime\ndatetime.datetime.now()", "datetime.datetime.now"),
        ("from datetime import datetime\nf(default=datetime.utcnow)", "datetime.datetime.utcnow"),
        ("from datetime import date\ndate.today()", "datetime.date.today"),
        ("import uuid as u\nu.uuid4()", "uuid.uuid4"),
        ("import random\nrandom.random()", "random.random"),
        ("import random\nrandom.Random()", "random.Random"),
        ("import secrets\nsecrets.token_hex()", "secrets.token_hex"),
    ],
)
def test_the_check_sees_a_call_under_any_name(source: str, found: str) -> None:
    assert [name for _, name in banned_calls(list(ast.walk(ast.parse(source))))] == [found]


@pytest.mark.parametrize(
    "source",
    [
        "import random\ndef f(rng: random.Random): ...\nrandom.Random(7)",
        "from truenorth.ids import random_id\nrandom_id()",
        "import secrets\nsecrets.compare_digest(a, b)",
        "import uuid\nuuid.uuid5(n, 'x')",
        "clock.monotonic()",
    ],
)
def test_the_check_lets_everything_else_be(source: str) -> None:
    assert list(banned_calls(list(ast.walk(ast.parse(source))))) == []


def test_no_product_code_reads_a_clock_or_makes_chance_by_itself() -> None:
    assert _found(PRODUCT) - _of(ALLOWED) == set()


def test_no_test_without_real_processes_does_either() -> None:
    quiet = {line for line in _found(("tests/",)) if not line.startswith(REAL_TIME_TESTS)}
    assert quiet == set()


def test_every_exception_is_still_needed() -> None:
    used = {line.partition(":")[0] for line in _found(PRODUCT)}
    assert set(ALLOWED) <= used


def _of(allowed: dict[str, str]) -> set[str]:
    return {line for line in _found(PRODUCT) if line.partition(":")[0] in allowed}


@lru_cache
def _found(beginnings: tuple[str, ...]) -> set[str]:
    return {f"{name}:{line}: {call}" for name in python_files(*beginnings) for line, call in banned_calls(nodes(name))}
