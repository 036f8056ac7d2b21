"""One event: accepted into the record its topic gets, or refused with code, field and cure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE
from truenorth.events.envelope import Envelope
from truenorth.events.payload import PayloadStruct
from truenorth.ids import ACCOUNT_ID_CHARS_MAX
from truenorth.topics import full_name

from truenorth_ingest.domain.cures import data_refusal, outside_refusal, type_refusal
from truenorth_ingest.domain.erasing import person_of, request_without_person, without_person
from truenorth_ingest.domain.incoming import Incoming
from truenorth_ingest.domain.lenient import as_strict_json
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.people import with_pseudonyms
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.times import Times

FAMILIES_TAKEN: Final = frozenset(
    {"usage", "tickets", "billing", "surveys", "accounts", "engagements", "contacts", "erasures", "backfills"}
)
TYPES_TAKEN: Final = frozenset(name for name, family in FAMILY_OF_TYPE.items() if family in FAMILIES_TAKEN)
"""The event types that outsiders may send; the rest are our own services' words."""

_incoming = msgspec.json.Decoder(Incoming)
_payloads: Final = {name: msgspec.json.Decoder(CATALOGUE[name]) for name in TYPES_TAKEN}
_topics: Final = {name: full_name(FAMILY_OF_TYPE[name]) for name in TYPES_TAKEN}


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record to append: full topic name, key (the account, or the contact's pseudonym), value.

    ``forgets`` is the key of the contact whose tombstone belongs to this record.
    """

    topic: str
    key: bytes
    value: bytes
    forgets: bytes | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends: the key's public id and name; the name is the source of events that name none."""

    key_id: str
    name: str


class Acceptor:
    """The rules of the edge for one event, under these limits and this pseudonym secret."""

    def __init__(self, *, limits: Limits, pseudonyms: Pseudonyms, new_id: Callable[[], str]) -> None:
        self._limits = limits
        self._people = pseudonyms
        self._new_id = new_id
        self._times = Times(future_ms_max=limits.future_ms_max)

    def accept(self, raw: bytes | msgspec.Raw, *, sender: Sender, now_ms: int) -> Accepted:
        """Return the record of an event.

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
        said = _payload(event)
        person = person_of(said, account)
        payload = with_pseudonyms(said, self._people)
        event_id, source, forgets = self._id(event.id), self._source(event.source, sender), None
        if person is not None:
            pseudonym = self._people.of(person)
            payload = request_without_person(payload, person, pseudonym)
            event_id = without_person(event_id, person, pseudonym)
            source = without_person(source, person, pseudonym)
            forgets = pseudonym.encode()
        data = codec.encode_json(payload)
        if codec.holds_nul(data):
            raise RefusedError("data_invalid", "a text holds a NUL character (\\u0000); remove it", field="data")
        envelope = Envelope(
            id=event_id,
            source=source,
            type=event.type,
            subject=account,
            time=self._times.happened(event.time, now_ms),
            data=msgspec.Raw(data),
            specversion="1.0",
            recordedtime=self._times.now(now_ms),
            datacontenttype="application/json",
            traceparent=(event.traceparent or "")[:64],
            backfill=_backfill(event.backfill),
        )
        return Accepted(_topics[event.type], _key(payload, account), codec.encode_json(envelope), forgets)

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


def _backfill(given: bool | str | None) -> bool:  # noqa: FBT001 - the wire's own value
    if isinstance(given, str):  # binary mode has only text
        return given.lower() == "true"
    return bool(given)


def _key(payload: PayloadStruct, account: str) -> bytes:
    """Return the record's key: contacts are compacted by contact, everything else goes by account."""
    contact = getattr(payload, "contact_id", None)
    return (account if contact is None else contact).encode()
