"""Requests to forget: what is checked, what of the person stays out of the request itself, and what goes with it."""

from typing import Final

import msgspec
from truenorth.errors import RefusedError
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import ErasureRequested
from truenorth.topics import full_name

CONTACTS_TOPIC: Final = full_name("contacts")
_MARK: Final = b"erasure."


def person_of(payload: PayloadStruct, account: str) -> str | None:
    """Return the raw id of the person that a request names; None when it names an account, or is no request.

    Raises:
        RefusedError: the account to forget is not the account that the event is about.
    """
    if not isinstance(payload, ErasureRequested):
        return None
    if payload.kind != "account":
        return payload.subject_id
    if payload.subject_id != account:
        raise RefusedError(
            "data_invalid",
            "subject_id is not the event's subject; to forget an account, write its id in both",
            field="data.subject_id",
        )
    return None


def without_person(text: str, person: str, pseudonym: str) -> str:
    """Return a text of the request (its id, its source, who asked) with the person's pseudonym in the id's place."""
    return text.replace(person, pseudonym)


def request_without_person(payload: PayloadStruct, person: str, pseudonym: str) -> PayloadStruct:
    """Return the request with the person's id out of ``by`` as well: people ask for themselves."""
    if not isinstance(payload, ErasureRequested):
        return payload
    return msgspec.structs.replace(payload, by=without_person(payload.by, person, pseudonym))


def speaks_of_erasure(raw: bytes | msgspec.Raw) -> bool:
    """Tell whether a refused event is, or may be meant as, a request to forget: its original is not kept."""
    return _MARK in bytes(raw)
