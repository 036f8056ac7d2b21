"""Which account it is: what the edge has learned, and what waits for it to learn more."""

from typing import Annotated, Literal

from msgspec import Meta, Raw

from truenorth.events.inputs import Name
from truenorth.events.payload import PayloadStruct

Lookup = Annotated[str, Meta(min_length=3, max_length=300)]
"""What an account is looked up by: ``actor:<pseudonym>``, or ``<system>:<id there>`` such as ``stripe:cus_1``."""


class IdentityLearned(PayloadStruct, frozen=True, gc=False):
    """``identity.learned``: from now on ``lookup`` belongs to the account that is the event's subject.

    One lookup may belong to several accounts; what is looked up by it then is ambiguous and waits.
    """

    lookup: Lookup


class EventHeld(PayloadStruct, frozen=True):
    """``event.held``: an accepted event whose account is not known yet, whole but for its subject.

    ``lookups`` are tried in order. ``data`` is the event's own data. The outer envelope's subject is the first lookup.
    """

    reason: Literal["unknown", "ambiguous", "unavailable"]
    lookups: Annotated[list[Lookup], Meta(min_length=1, max_length=8)]
    event_type: Name
    event_id: Annotated[str, Meta(min_length=1, max_length=256)]
    event_source: Annotated[str, Meta(min_length=1, max_length=256)]
    time: str
    recordedtime: str
    data: Raw
    traceparent: str = ""
    backfill: bool = False
