"""Recorded webhooks, shaped as the vendors' public documentation shows them, and what is looked for in all of them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from truenorth.codec import encode_json
from truenorth.errors import RefusedError
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth_ingest.domain.told import Reader, Told

PAYLOADS = Path(__file__).parent / "payloads"
PERSONAL = (
    "jenny",
    "rosen",
    "example.com",
    "5550132",
    "Townsend",
    "94103",
    "203.0.113.77",
    "4242",
    "payroll",
    "cheaper",
)
"""Of people, and of what they wrote: every recording with a person in it has some of these."""


def recorded(vendor: str, name: str) -> Any:
    return json.loads((PAYLOADS / vendor / f"{name}.json").read_text())


def recordings(vendor: str) -> list[str]:
    return sorted(path.stem for path in (PAYLOADS / vendor).glob("*.json"))


def refusal(reader: Reader, payload: object) -> tuple[str, str]:
    """The code and the field that it is refused with."""
    with pytest.raises(RefusedError) as refused:
        reader(payload, {})
    assert refused.value.message
    return refused.value.code, refused.value.field


def said(told: Sequence[Told]) -> list[tuple[str, Any]]:
    """(type, payload as it will travel)."""
    return [(one.type, json.loads(encode_json(one.payload))) for one in told]


def check_well_formed(told: Sequence[Told]) -> None:
    """What every reader promises of all that it tells."""
    assert len({one.id for one in told}) == len(told)
    for one in told:
        assert TYPE_OF_PAYLOAD[type(one.payload)] == one.type
        assert 0 < len(one.id) <= 256
        assert one.id.isprintable()
        assert one.account or one.lookups or one.actor
        encode_json(one.payload)


def check_private(reader: Reader, vendor: str) -> None:
    """Nothing of a person, and nothing that anybody wrote, is in what the recordings mean."""
    for name in recordings(vendor):
        try:
            told = reader(recorded(vendor, name), {"x-zendesk-webhook-invocation-id": "01HN"})
        except RefusedError as refused:
            text = f"{refused.message} {refused.field}"
        else:
            text = " ".join(f"{one} {encode_json(one.payload).decode()}" for one in told)
        assert not [word for word in PERSONAL if word.lower() in text.lower()], name
