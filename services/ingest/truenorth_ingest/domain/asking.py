"""What is asked on the control roads of erasures and identities, checked."""

import re
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.facts import account_id_of
from truenorth_ingest.domain.lookups import LOOKUP_CHARS_MAX, actor_lookup
from truenorth_ingest.domain.pseudonyms import Pseudonyms

ACTOR_SYSTEM: Final = "actor"
_SYSTEM: Final = re.compile(r"^[a-z][a-z0-9_.-]{0,39}$", re.ASCII)
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
_S = TypeVar("_S", bound=msgspec.Struct)


class AskedErasure(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who is to be forgotten. Without ``account`` a person is forgotten at all accounts known to be theirs.

    A repeat under the same ``id`` changes nothing. ``by`` is who asked.
    """

    kind: Literal["actor", "contact", "account"]
    subject_id: _Text
    account: _Text | None = None
    id: _Text | None = None
    by: _Text = "api"


class AskedIdentity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose a lookup is."""

    account: _Text


def read_asked(body: bytes, kind: type[_S]) -> _S:
    """Return what a body asks for; its ``account`` is checked as one.

    Raises:
        RefusedError: ``body_invalid`` (no JSON), ``data_invalid``, ``subject_invalid`` or ``id_invalid``, with the
            field.
    """
    try:
        asked = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise codec.refusal("data_invalid", error) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise RefusedError("body_invalid", "the body is not JSON; send one JSON object") from None
    account = getattr(asked, "account", None)
    if account is not None:
        account_id_of(account, field="account")
    if not (getattr(asked, "id", None) or "").isprintable():
        raise RefusedError("id_invalid", "an id has 1 to 128 printable characters", field="id")
    return asked


def lookup_of(system: str, external_id: str, people: Pseudonyms) -> str:
    """Return the lookup of an id in another system, or of an actor's id as their product sends it.

    Raises:
        RefusedError: ``id_invalid``, naming the field.
    """
    if not _SYSTEM.match(system):
        raise RefusedError(
            "id_invalid", "a system is named like stripe or help-desk: a letter, then a-z 0-9 . _ -", field="system"
        )
    if not external_id or not external_id.isprintable() or external_id != external_id.strip():
        raise RefusedError("id_invalid", "an id has printable characters and no space at its ends", field="external_id")
    if system == ACTOR_SYSTEM:
        return actor_lookup(people.of(external_id))
    lookup = f"{system}:{external_id}"
    if len(lookup) > LOOKUP_CHARS_MAX:
        raise RefusedError(
            "id_invalid", f"system and id have {LOOKUP_CHARS_MAX} characters at most", field="external_id"
        )
    return lookup
