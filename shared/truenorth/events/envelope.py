"""The envelope of every record, and an event: an envelope whose payload has been parsed."""

from typing import Any

import msgspec


class Envelope(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A CloudEvents 1.0 envelope in structured mode, with its payload still raw.

    ``time`` is when it happened (untrusted, future clamped at the edge), ``recordedtime`` when the edge
    accepted it, both RFC 3339 text in UTC. ``subject`` is the account. ``backfill`` is our CloudEvents
    extension: true marks history, which is folded like any event and alerts nobody.
    """

    id: str
    source: str
    type: str
    subject: str
    time: str
    data: msgspec.Raw
    specversion: str = ""
    recordedtime: str = ""
    datacontenttype: str = ""
    traceparent: str = ""
    backfill: bool = False


class Event(msgspec.Struct, frozen=True, gc=False):
    """One parsed event. Times are epoch milliseconds; ``data`` is a payload struct of `CATALOGUE`."""

    id: str
    source: str
    type: str
    account: str
    time_ms: int
    recorded_ms: int
    data: Any  # always a member of the catalogue's Payload union; Any here keeps decoding monomorphic
    backfill: bool = False
    traceparent: str = ""
