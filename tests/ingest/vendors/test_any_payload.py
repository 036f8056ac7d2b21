"""Whatever a vendor sends, a reader tells events that are fit to travel, or refuses with a code."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.errors import RefusedError
from truenorth_ingest.domain.told import Reader, Told
from truenorth_ingest.domain.vendors import hubspot, stripe, typeform, zendesk

from tests.ingest.vendors.recorded import check_well_formed, recorded, recordings

READERS: dict[str, Reader] = {
    "stripe": stripe.read,
    "zendesk": zendesk.read,
    "hubspot": hubspot.read,
    "typeform": typeform.read,
}
HEADERS = {"x-zendesk-webhook-invocation-id": "01HN"}
ALL = [(vendor, name) for vendor in READERS for name in recordings(vendor)]
CODES = {"webhook_unknown", "webhook_invalid", "webhook_thin"}

_odd = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**400, -(10**400), 10**18, -1, 0, 1e308, -1.5]),
    st.floats(),
    st.text(st.characters(), max_size=200),
    st.sampled_from(["\ud800", "\0", "a" * 300, "2026-13-45", "-inf", "1e9999", "nps_0_10", "active", "٣"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.none() | st.text(max_size=5), max_size=3),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def replaced(payload: Any, path: tuple[Any, ...], value: object) -> Any:
    if not path:
        return value
    whole = deepcopy(payload)
    part = whole
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = value
    return whole


def check(vendor: str, payload: object) -> None:
    told: Sequence[Told] = ()
    refused: RefusedError | None = None
    try:
        told = READERS[vendor](payload, HEADERS)
    except RefusedError as error:
        refused = error
    assert refused is None or (refused.code in CODES and refused.message)
    check_well_formed(told)


@pytest.mark.parametrize(("vendor", "name"), ALL)
def test_every_recording_is_told_or_refused(vendor: str, name: str) -> None:
    check(vendor, recorded(vendor, name))


@settings(max_examples=200)
@given(st.sampled_from(ALL), st.data())
def test_a_recording_with_anything_in_any_place(which: tuple[str, str], data: st.DataObject) -> None:
    payload = recorded(*which)
    for _ in range(data.draw(st.integers(1, 2))):
        payload = replaced(payload, data.draw(st.sampled_from(places(payload))), data.draw(_odd))
    check(which[0], payload)


@given(st.sampled_from(sorted(READERS)), _odd)
def test_anything_at_all(vendor: str, payload: object) -> None:
    check(vendor, payload)
    check(vendor, [payload])


@pytest.mark.parametrize("vendor", sorted(READERS))
def test_a_payload_nested_beyond_reason(vendor: str) -> None:
    deep: Any = {}
    for _ in range(5_000):
        deep = {"object": deep, "data": deep}
    check(vendor, deep)
