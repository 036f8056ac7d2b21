"""What a vendor's payload says, checked: what cannot be read is refused by the vendor's own name for it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import Meta
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.payload import PayloadStruct
from truenorth.ids import ACCOUNT_ID_CHARS_MAX

from truenorth_ingest.domain.lookups import external_lookup

SECONDS_MAX: Final = 32_503_680_000
MILLIS_MAX: Final = SECONDS_MAX * 1000
"""The year 3000."""

Id = Annotated[str, Meta(min_length=1, max_length=128)]
Number = Annotated[int, Meta(ge=-(10**15), le=10**15)]
EpochSeconds = Annotated[int, Meta(ge=0, le=SECONDS_MAX)]
EpochMillis = Annotated[int, Meta(ge=0, le=MILLIS_MAX)]
WORD_CHARS_MAX: Final = 128
_SHOWN_CHARS: Final = 80

_P = TypeVar("_P", bound=PayloadStruct)


class Vendor(msgspec.Struct, frozen=True, gc=False):
    """The part of a vendor's object that is read; every other field is dropped unseen."""


_V = TypeVar("_V", bound=Vendor)


def parsed(said: object, shape: type[_V], *, under: str = "") -> _V:
    """Return the part of a payload that is read.

    Raises:
        RefusedError: ``webhook_invalid`` with the vendor's path of the field.
    """
    try:
        return msgspec.convert(said, shape)
    except msgspec.MsgspecError as error:
        raise codec.refusal("webhook_invalid", error, under=under) from None
    except (RecursionError, OverflowError, UnicodeEncodeError):
        raise invalid(under, "nested too deeply, or with a number or a text that no JSON has, to be read") from None


def made(shape: type[_P], /, **fields: object) -> _P:
    """Return the payload with those of the fields that are known (not None), held to its own limits.

    Raises:
        RefusedError: ``webhook_invalid`` with our name of the field.
    """
    known = {name: value for name, value in fields.items() if value is not None}
    for name, value in known.items():
        if not all(text.isprintable() for text in _texts(value)):
            raise invalid(name, "a text holds characters that cannot be printed; remove them")
    try:
        return msgspec.convert(known, shape)
    except msgspec.MsgspecError as error:
        raise codec.refusal("webhook_invalid", error) from None


def _texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [str(text) for pair in value.items() for text in pair]
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, str)]


def invalid(field: str, message: str) -> RefusedError:
    """Return the refusal of something known that cannot be read."""
    return RefusedError("webhook_invalid", message, field=field)


def unknown(field: str, said: str, cure: str) -> RefusedError:
    """Return the refusal of a kind of webhook that is not known."""
    return RefusedError("webhook_unknown", f"{said[:_SHOWN_CHARS]!r} is not known here; {cure}", field=field)


def fits(text: str) -> bool:
    """Whether it can be a name or an id: 1 to 128 printable characters without space at its ends."""
    return 0 < len(text) <= WORD_CHARS_MAX and text.isprintable() and text == text.strip()


def first_fitting(*candidates: str | None) -> str | None:
    """Return the first candidate that can be a name; None when none can."""
    return next((one for one in candidates if one and fits(one)), None)


def identity(said: str | int | None, field: str) -> str:
    """Return an id as text; empty when there is none.

    Raises:
        RefusedError: it cannot be an id.
    """
    text = "" if said is None else str(said).strip()
    if text and not fits(text):
        raise invalid(field, f"an id has 1 to {ACCOUNT_ID_CHARS_MAX} printable characters; correct {field}")
    return text


def lookup(system: str, said: str | int | None, field: str) -> tuple[str, ...]:
    """Return what the account is looked up by, from its id in another system; nothing when there is none."""
    found = identity(said, field)
    return (external_lookup(system, found),) if found else ()


def among(metadata: Mapping[str, object] | None, name: str, field: str) -> str:
    """Return the id that free metadata has under ``name``; empty when there is none."""
    said = (metadata or {}).get(name)
    if said is None or isinstance(said, str | int):
        return identity(said, f"{field}.{name}")
    raise invalid(f"{field}.{name}", f"an id is a text or a number; correct {field}.{name}")


def at_seconds(seconds: int, extra_ms: int = 0) -> str:
    """Return RFC 3339 of epoch seconds."""
    return codec.rfc3339(seconds * 1000 + extra_ms)


def at_text(said: str, field: str = "time") -> str:
    """Return a time that was told as text, once it can be read.

    Raises:
        RefusedError: it is not a time.
    """
    millis(said, field)
    return said


def millis(said: str, field: str = "time") -> int:
    """Return epoch milliseconds of a time that was told as text.

    Raises:
        RefusedError: it is not a time, or not one since 1970.
    """
    try:
        found = codec.parse_time(said, field=field)
    except RefusedError as error:
        raise invalid(field, error.message) from None
    if found < 0:
        raise invalid(field, "a time lies after 1970-01-01T00:00:00Z")
    return found


def day_at(seconds: int) -> str:
    """Return the calendar day (UTC) of epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()
