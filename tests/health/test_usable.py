"""Definitions that a worker reads and cannot use: they never stop it, and never replace good ones."""

from typing import Any

import msgspec
import pytest
from truenorth.definitions.bundle import encode_bundle, encode_current, make_bundle
from truenorth.definitions.folding import Shelf
from truenorth.definitions.model import (
    Banded,
    Bundle,
    Condition,
    Definitions,
    Dimension,
    Linear,
    Rung,
    Scorecard,
    ScoreException,
)
from truenorth.errors import RefusedError
from truenorth_health.adapters.effects import preview
from truenorth_health.adapters.processor import CompiledDefinitions
from truenorth_health.domain.usable import usable

from tests.health.builders import card, plain_measure, support_card


def bundle(ordinal: int, *cards: Scorecard, **more: Any) -> Bundle:
    told = msgspec.to_builtins(Definitions(scorecards=list(cards), **more))
    return make_bundle(msgspec.convert(told, Definitions), ordinal=ordinal, applied_ms=ordinal)


def measured(**more: Any) -> Scorecard:
    signal = more.pop("signal", "nps")
    return card([Dimension(id="usage", name="Usage", weight=1, measures=[plain_measure("m", signal, **more)])])


UNKNOWN = measured(signal="stickiness_of_last_year")


@pytest.mark.parametrize(
    "bad",
    [
        bundle(2, UNKNOWN),
        bundle(2, support_card(exceptions=[ScoreException(when="no_such_signal", above=1, cap=10)])),
        bundle(2, measured(linear=None, banded=Banded(cuts=[1, 2, 3], scores=[0, 100]))),
        bundle(2, measured(linear=None)),
        bundle(2, measured(linear=Linear(worst=-1e308, best=1e308))),
        bundle(2, support_card(), ladder=[Rung(level="loyalty", conditions=[Condition(of="no_such_signal", below=1)])]),
    ],
)
def test_what_lint_would_refuse_is_refused_with_a_reason(bad: Bundle) -> None:
    with pytest.raises(RefusedError, match=rf"{bad.hash}.*lint") as refused:
        usable(bad)
    assert refused.value.code == "definitions_unusable"


def test_a_bundle_of_no_use_never_replaces_a_good_one() -> None:
    in_force = [bundle(1, support_card())]
    definitions = CompiledDefinitions(lambda: in_force[-1])
    good = definitions.get()
    in_force.append(bundle(2, UNKNOWN))
    assert definitions.get() is good
    assert "stickiness_of_last_year" in (definitions.refused or "")
    in_force.append(bundle(3, support_card(coverage_floor=0.1)))
    better = definitions.get()
    assert better is not None
    assert (better.ordinal, definitions.refused) == (3, None)


def test_a_process_that_starts_goes_on_with_the_newest_of_use() -> None:
    shelf = Shelf()
    for one in (
        bundle(1, support_card()),
        bundle(2, support_card(coverage_floor=0.2)),
        bundle(3, UNKNOWN),
        bundle(4, measured(linear=None)),
    ):
        for key, value in (encode_bundle(one), encode_current(one)):
            shelf.take(key, value)
    definitions = CompiledDefinitions(lambda: shelf.current, shelf.older)
    compiled = definitions.get()
    assert compiled is not None
    assert compiled.ordinal == 2
    assert definitions.refused is not None


def test_without_any_of_use_nothing_is_decided() -> None:
    definitions = CompiledDefinitions(lambda: bundle(1, UNKNOWN))
    assert definitions.get() is None


async def test_what_is_proposed_is_refused_before_anything_is_read() -> None:
    with pytest.raises(RefusedError):
        await preview("nowhere:1", None, Definitions(scorecards=[UNKNOWN]))
