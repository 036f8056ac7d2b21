"""Facts of an account as people write them: JSON by field, or text cells; a mistyped name is never silence."""

import difflib
from collections.abc import Collection
from typing import Final

import msgspec
from truenorth.errors import RefusedError
from truenorth.events.inputs import AccountUpdated
from truenorth.ids import ACCOUNT_ID_CHARS_MAX

from truenorth_ingest.domain.cures import data_refusal
from truenorth_ingest.domain.lenient import as_strict_json

FACTS: Final = frozenset(AccountUpdated.__struct_fields__)

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_facts = msgspec.json.Decoder(AccountUpdated)
_text = msgspec.json.Decoder(str | int | None)
_NULL: Final = b"null"


class Facts(msgspec.Struct, frozen=True):
    """What was told of an account: its facts, and what stood beside them, empty where nothing did."""

    facts: AccountUpdated
    account_id: str = ""
    id: str = ""
    time: str = ""


def read_facts(raw: bytes | msgspec.Raw, *, beside: Collection[str]) -> Facts:
    """Return the facts in a JSON object; ``beside`` are the names that may stand there beside facts.

    Raises:
        RefusedError: ``body_invalid`` (no JSON object), or ``data_invalid`` naming the field.
    """
    fields = _fields(raw)
    said = {name: _said(name, fields.pop(name)) for name in beside if name in fields}
    for name, value in fields.items():
        if name not in FACTS:
            raise unknown_fact(name, beside)
        if bytes(value) == _NULL:
            raise RefusedError(
                "data_invalid", f"null does not clear {name}: a fact keeps its value; leave it out", field=name
            )
    if not fields:
        raise RefusedError("data_invalid", "not one fact was told; send at least one, such as name")
    return Facts(facts_of(msgspec.json.encode(fields)), **said)


def facts_of(text: bytes) -> AccountUpdated:
    """Return the payload of a JSON object of facts.

    Raises:
        RefusedError: ``data_invalid``, naming the field.
    """
    try:
        return _facts.decode(text)
    except msgspec.MsgspecError as error:
        refusal = data_refusal(error, AccountUpdated)
        field = refusal.field.removeprefix("data").removeprefix(".")
        raise RefusedError("data_invalid", refusal.message.replace("data.", ""), field=field) from None


def unknown_fact(name: str, beside: Collection[str]) -> RefusedError:
    """Return the refusal of a name that is no fact, with the one that was meant."""
    near = difflib.get_close_matches(name.lower(), [*FACTS, *beside], n=1)
    cure = f"did you mean {near[0]}?" if near else f"facts are {', '.join(sorted(FACTS))}"
    return RefusedError("data_invalid", f"{name[:80]!r} is not a fact of an account; {cure}", field=_shown(name))


def _shown(name: str) -> str:
    """Return a name that somebody wrote as a field can be told: it is stored, and no database text holds a NUL."""
    return name[:80] if name.isprintable() else ""


def account_id_of(text: str, *, field: str = "account_id") -> str:
    """Return an account's id.

    Raises:
        RefusedError: ``subject_invalid``.
    """
    if not 1 <= len(text) <= ACCOUNT_ID_CHARS_MAX or not text.isprintable() or text != text.strip():
        raise RefusedError(
            "subject_invalid",
            f"an account id has 1 to {ACCOUNT_ID_CHARS_MAX} printable characters and no space at its ends",
            field=field,
        )
    return text


def event_id_of(text: str, *, chars_max: int, field: str = "id") -> str:
    """Return an event's id as its sender gave it.

    Raises:
        RefusedError: ``id_invalid``.
    """
    if not 1 <= len(text) <= chars_max or not text.isprintable():
        raise RefusedError("id_invalid", f"an id has 1 to {chars_max} printable characters", field=field)
    return text


def _fields(raw: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    try:
        return _object.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        strict = as_strict_json(bytes(raw), what="body_invalid")
    try:
        return _object.decode(strict)
    except msgspec.MsgspecError:
        raise RefusedError("body_invalid", 'facts are a JSON object, such as {"name": "Acme"}') from None


def _said(name: str, value: msgspec.Raw) -> str:
    try:
        said = _text.decode(value)
    except msgspec.MsgspecError:
        raise RefusedError("data_invalid", f"{name} is a text", field=name) from None
    return "" if said is None else str(said)
