"""Traits of ``group`` calls that are facts of an account, by allow-list: what is not named does not come in."""

from collections.abc import Sequence
from typing import Final

import msgspec
from truenorth import codec
from truenorth.definitions.intake import Trait
from truenorth.errors import RefusedError
from truenorth.events.inputs import AccountUpdated

from truenorth_ingest.domain.cures import data_refusal
from truenorth_ingest.domain.tracking.calls import whole_call

SHIPPED: Final = (
    Trait(trait="name", fact="name"),
    Trait(trait="plan", fact="plan"),
    Trait(trait="industry", fact="industry"),
    Trait(trait="country", fact="country"),
    Trait(trait="created_at", fact="signed_up_on"),
    Trait(trait="tier", fact="tier"),
    Trait(trait="seats", fact="seats"),
)
"""Of Segment's reserved traits those that are facts here. Money has to be declared: only you know its unit."""
_DATES: Final = frozenset({"signed_up_on", "live_on", "contract_starts_on", "renews_on"})
_WHOLE: Final = frozenset({"arr", "potential_arr", "seats"})
_SECONDS_MAX: Final = 10_000_000_000
"""A date as a number is in seconds up to here (the year 2286), in milliseconds beyond."""


class Facts:
    """The allow-list: the shipped one, and the operator's over it."""

    def __init__(self, traits: Sequence[Trait] = ()) -> None:
        self._facts = {_plain(one.trait): one for one in (*SHIPPED, *traits)}

    def of(self, raw: bytes | msgspec.Raw) -> AccountUpdated:
        """Return the facts among the traits of a raw ``group`` call; a trait that is null says nothing.

        Raises:
            RefusedError: ``data_invalid``, naming the trait whose value cannot be the fact.
        """
        traits = whole_call(raw).get("traits")
        found: dict[str, object] = {}
        said: dict[str, str] = {}
        for name, value in (traits if isinstance(traits, dict) else {}).items():
            one = self._facts.get(_plain(name))
            if one is not None and value is not None:
                found[one.fact] = _value(one, value)
                said[one.fact] = name
        try:
            return msgspec.convert(found, AccountUpdated)
        except msgspec.ValidationError as error:
            refusal = data_refusal(error, AccountUpdated)
            fact, dot, below = refusal.field.removeprefix("data.").partition(".")
            field = f"traits.{said.get(fact, fact)}{dot}{below}"
            raise RefusedError("data_invalid", refusal.message.replace(refusal.field, field), field=field) from None


def _plain(name: str) -> str:
    """Return a trait's name as it is compared: ``createdAt`` is ``created_at``."""
    return name.replace("_", "").lower()


def _value(one: Trait, value: object) -> object:
    if one.fact in _DATES and isinstance(value, str):
        return value[:10]
    if one.fact in _DATES and isinstance(value, int | float) and 0 < value < _SECONDS_MAX * 1000:
        return codec.rfc3339(int(value if value > _SECONDS_MAX else value * 1000))[:10]
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return round(value * one.times) if one.fact in _WHOLE else str(value)
        except (OverflowError, ValueError):  # beyond all bounds, or of more digits than are ever written
            raise RefusedError("data_invalid", "a number beyond all bounds", field=f"traits.{one.trait}") from None
    return value
