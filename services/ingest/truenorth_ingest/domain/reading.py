"""A body of CloudEvents, read into drafts and refusals, event by event."""

from collections.abc import Mapping

import msgspec
from truenorth.errors import RefusedError

from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.drafts import Cut, Refused
from truenorth_ingest.domain.incoming import cut
from truenorth_ingest.domain.limits import Limits

_NAMED_ID_CHARS_MAX = 128


class _Named(msgspec.Struct, frozen=True):
    id: str | int | None = None


_named = msgspec.json.Decoder(_Named)


def read_events(
    body: bytes, headers: Mapping[str, str], *, acceptor: Acceptor, limits: Limits, sender: Sender, now_ms: int
) -> Cut:
    """Return what a body of CloudEvents brought; ``body`` is inflated, header names are in lower case.

    Raises:
        RefusedError: the request as a whole cannot be read.
    """
    split = cut(body, headers, limits)
    found = Cut(len(split.events), repaired=split.repaired)
    take = found.drafts.append
    accept = acceptor.accept
    for index, raw in enumerate(split.events):
        try:
            take(accept(raw, index, sender=sender, now_ms=now_ms))
        except RefusedError as refusal:
            found.refused.append(Refused(index, id_of(raw), raw, refusal))
    return found


def id_of(raw: bytes | msgspec.Raw) -> str | None:
    """Return the id that the sender gave a refused event, shortened, or None when it cannot be read."""
    try:
        given = _named.decode(raw).id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return None if given is None else str(given)[:_NAMED_ID_CHARS_MAX]
