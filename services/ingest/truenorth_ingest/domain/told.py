"""One event as a connector understands it, before the edge has judged it like any other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from truenorth.events.payload import PayloadStruct


@dataclass(frozen=True, slots=True)
class Told:
    """An event that a webhook means. People are still named as the sender names them.

    ``id`` is stable over the sender's repeats, and differs between the events of one webhook; it is empty when the
    sender names nothing: two webhooks that say the same may then both be true. ``time`` is RFC 3339,
    or empty when the sender does not say. The account is ``account``, or whoever the ``lookups`` belong to, in order
    (`truenorth_ingest.domain.lookups`), or at last the one that ``actor`` is known at.
    """

    type: str
    id: str
    payload: PayloadStruct
    time: str = ""
    account: str = ""
    lookups: tuple[str, ...] = ()
    actor: str = ""


Reader = Callable[[object, Mapping[str, str]], Sequence[Told]]
"""(parsed JSON, headers in lower case) -> the events it means; none for what is known and means nothing here.

Raises `RefusedError` with code ``webhook_unknown`` for what it does not know, ``webhook_invalid`` with the field for
what it knows and cannot read.
"""
