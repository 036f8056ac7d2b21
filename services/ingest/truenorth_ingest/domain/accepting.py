"""One event: accepted as a draft of the record its topic gets, or refused with code, field and cure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE, TYPES_FROM_OUTSIDE
from truenorth.events.inputs import AccountUpdated
from truenorth.events.payload import PayloadStruct
from truenorth.ids import ACCOUNT_ID_CHARS_MAX

from truenorth_ingest.domain.cures import data_refusal, outside_refusal, type_refusal
from truenorth_ingest.domain.drafts import Draft
from truenorth_ingest.domain.erasing import person_of, request_without_person, without_person
from truenorth_ingest.domain.incoming import Incoming
from truenorth_ingest.domain.lenient import as_strict_json
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.lookups import actor_lookup, external_lookup
from truenorth_ingest.domain.people import with_pseudonyms
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.times import Times

TRACEPARENT_CHARS_MAX: Final = 64
TYPES_TAKEN: Final = TYPES_FROM_OUTSIDE
"""What this edge takes; the rest are our own services' words."""

_incoming = msgspec.json.Decoder(Incoming)
_payloads: Final = {name: msgspec.json.Decoder(CATALOGUE[name]) for name in TYPES_TAKEN}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the key's public id and name; the name is the source of events that name none.

    ``events_per_second`` is the key's own rate; None where the edge's holds.
    """

    key_id: str
    name: str
    events_per_second: int | None = None


class Acceptor:
    """The rules of the edge for one event, under these limits and this pseudonym secret."""

    def __init__(self, *, limits: Limits, pseudonyms: Pseudonyms, new_id: Callable[[], str]) -> None:
        self._limits = limits
        self._people = pseudonyms
        self._new_id = new_id
        self._times = Times(future_ms_max=limits.future_ms_max)

    def accept(self, raw: bytes | msgspec.Raw, index: int, *, sender: Sender, now_ms: int) -> Draft:
        """Return the draft of an event, the ``index``-th of its request.

        Raises:
            RefusedError: with a stable code, the field, and a message that says what would be right.
        """
        size = len(raw)
        if size > self._limits.event_bytes_max:
            raise RefusedError(
                "event_too_large", f"{size} bytes; one event may have {self._limits.event_bytes_max}: send less data"
            )
        event = _outside(raw)
        if event.type not in TYPES_TAKEN:
            raise type_refusal(event.type, TYPES_TAKEN)
        account = self._account(event.subject)
        payload = _payload(event)
        return self.drafted(
            payload,
            index=index,
            event_type=event.type,
            event_id=self._id(event.id),
            source=self._source(event.source, sender),
            account=account,
            time=self._times.happened(event.time, now_ms),
            traceparent=_trace(event.traceparent),
            backfill=_backfill(event.backfill),
        )

    def drafted(
        self,
        said: PayloadStruct,
        *,
        index: int,
        event_type: str,
        event_id: str,
        source: str,
        account: str,
        time: str,
        lookups: tuple[str, ...] = (),
        actor: str = "",
        learns: tuple[str, ...] = (),
        traceparent: str = "",
        backfill: bool = False,
    ) -> Draft:
        """Return the draft of a payload that names people as its sender does; the last step of every road in.

        ``actor``, as the sender names them, is whose account it is when none of the lookups tells.

        Raises:
            RefusedError: a text that no database can hold, or an erasure that contradicts itself.
        """
        person = person_of(said, account)
        payload = with_pseudonyms(said, self._people)
        forgets = ""
        if person is not None:
            forgets = self._people.of(person)
            payload = request_without_person(payload, person, forgets)
            event_id = without_person(event_id, person, forgets)
            source = without_person(source, person, forgets)
        if actor:
            lookups += (actor_lookup(self._people.of(actor)),)
        data = codec.encode_json(payload)
        if codec.holds_nul(data):
            raise RefusedError("data_invalid", "a text holds a NUL character (\\u0000); remove it", field="data")
        if isinstance(payload, AccountUpdated) and payload.external_ids:
            learns += tuple(external_lookup(system, known_as) for system, known_as in payload.external_ids.items())
        return Draft(
            index,
            event_type,
            event_id,
            source,
            time,
            data,
            account,
            lookups,
            learns,
            getattr(payload, "contact_id", ""),
            forgets,
            traceparent,
            backfill,
        )

    def _account(self, subject: str | int | None) -> str:
        if subject is None or subject == "":
            raise RefusedError("subject_missing", "subject is the id of the account; add it", field="subject")
        account = str(subject)
        if len(account) > ACCOUNT_ID_CHARS_MAX or not account.isprintable() or account != account.strip():
            raise RefusedError(
                "subject_invalid",
                f"an account id has 1 to {ACCOUNT_ID_CHARS_MAX} printable characters and no space at its ends",
                field="subject",
            )
        return account

    def _id(self, given: str | int | None) -> str:
        if given is None or given == "":
            return self._new_id()
        event_id = str(given)
        if len(event_id) > self._limits.id_chars_max or not event_id.isprintable():
            raise RefusedError(
                "id_invalid", f"an id has 1 to {self._limits.id_chars_max} printable characters", field="id"
            )
        return event_id

    def _source(self, given: str | None, sender: Sender) -> str:
        if not given:
            return f"key {sender.name}"
        if len(given) > self._limits.source_chars_max or not given.isprintable():
            raise RefusedError(
                "source_invalid",
                f"a source has 1 to {self._limits.source_chars_max} printable characters",
                field="source",
            )
        return given


def _outside(raw: bytes | msgspec.Raw) -> Incoming:
    try:
        return _incoming.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise outside_refusal(error) from None
        try:
            return _incoming.decode(as_strict_json(bytes(raw), what="event_invalid"))
        except msgspec.MsgspecError as still:
            raise outside_refusal(still) from None


def _payload(event: Incoming) -> PayloadStruct:
    try:
        return _payloads[event.type].decode(event.data)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        if isinstance(error, msgspec.ValidationError):
            raise data_refusal(error, CATALOGUE[event.type]) from None
        try:
            return _payloads[event.type].decode(as_strict_json(bytes(event.data), what="data_invalid"))
        except msgspec.MsgspecError as still:
            raise data_refusal(still, CATALOGUE[event.type]) from None


def _trace(given: str | None) -> str:
    """Return a trace parent that readers can keep; what cannot be one costs the trace and never the event."""
    return given if given and len(given) <= TRACEPARENT_CHARS_MAX and given.isprintable() else ""


def _backfill(given: bool | str | None) -> bool:  # noqa: FBT001 - the wire's own value
    if isinstance(given, str):  # binary mode has only text
        return given.lower() == "true"
    return bool(given)
