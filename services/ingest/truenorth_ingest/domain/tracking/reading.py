"""A request of SDK calls, read into drafts and refusals, call by call."""

from collections.abc import Callable

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.events.inputs import UsageRecorded

from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.drafts import Cut, Draft, Refused
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.times import Times
from truenorth_ingest.domain.tracking.calls import KINDS, Call, Calls, Context, read_call
from truenorth_ingest.domain.tracking.meaning import Meaning, Meanings
from truenorth_ingest.domain.tracking.traits import Facts
from truenorth_ingest.domain.tracking.when import Moments
from truenorth_ingest.domain.tracking.whose import account_named, lookups_of, people_of

_NAMED_ID_CHARS_MAX = 128


class _Named(msgspec.Struct, rename="camel"):
    message_id: str | int | None = None


_named = msgspec.json.Decoder(_Named)


class CallReader:
    """Reads SDK calls under these rules and facts; made anew when the definitions change."""

    def __init__(
        self,
        *,
        acceptor: Acceptor,
        pseudonyms: Pseudonyms,
        limits: Limits,
        new_id: Callable[[], str],
        meanings: Meanings,
        facts: Facts,
    ) -> None:
        self._acceptor = acceptor
        self._people = pseudonyms
        self._limits = limits
        self._new_id = new_id
        self._meanings = meanings
        self._facts = facts
        self._times = Times(future_ms_max=limits.future_ms_max)

    def read(self, calls: Calls, *, sender: Sender, now_ms: int) -> Cut:
        """Return what the calls of a request brought."""
        found = Cut(len(calls.raws), repaired=calls.repaired)
        moments = Moments(self._times, sent_at=calls.sent_at, now_ms=now_ms)
        source = f"key {sender.name}"
        take = found.drafts.append
        for index, raw in enumerate(calls.raws):
            try:
                draft = self._draft(raw, index, calls.kind, calls.context, moments, source)
            except RefusedError as refusal:
                found.refused.append(Refused(index, _id_of(raw), raw, refusal))
            else:
                if draft is not None:
                    take(draft)
        return found

    def _draft(
        self, raw: bytes | msgspec.Raw, index: int, kind: str, shared: Context | None, moments: Moments, source: str
    ) -> Draft | None:
        size = len(raw)
        if size > self._limits.event_bytes_max:
            raise RefusedError(
                "event_too_large", f"{size} bytes; one call may have {self._limits.event_bytes_max}: send less data"
            )
        call = read_call(raw)
        if kind:
            call.type = kind
        people = people_of(call, self._people)
        account = account_named(call, shared)
        event_id = self._id(call)
        at = moments.of(call)
        match call.type:
            case "track" | "page" | "screen":
                name = call.event if call.type == "track" else call.name
                means = self._meanings.of(call.type, self._name(call, name))(raw, at)
                return None if means is None else self._meant(means, index, event_id, source, at, account, people)
            case "group":
                if not account:
                    raise RefusedError(
                        "subject_missing", "a group call names its account: add groupId", field="groupId"
                    )
                meaning = Meaning("account.updated", self._facts.of(raw))
                return self._meant(meaning, index, event_id, source, at, account, people, teaches=True)
            case "identify" | "alias":
                return _taught(index, event_id, source, at, account, self._lookups(call, people))
            case _:
                said = f"{call.type[:40]!r} is no kind of call" if call.type else "a call in a batch says its type"
                raise RefusedError("call_unknown", f"{said}; write one of {', '.join(KINDS)}", field="type")

    def _meant(
        self,
        meaning: Meaning,
        index: int,
        event_id: str,
        source: str,
        at: str,
        account: str,
        people: tuple[str, ...],
        *,
        teaches: bool = False,
    ) -> Draft:
        lookups = lookups_of(people) if teaches or not account else ()
        payload = meaning.payload
        if isinstance(payload, UsageRecorded):
            data = codec.encode_json(UsageRecorded(payload.feature, payload.count, people[0], payload.module))
            if b"\\u0000" not in data:  # what all others go through looks more closely
                return Draft(index, meaning.type, event_id, source, at, data, account, lookups)
        return self._acceptor.drafted(
            payload,
            index=index,
            event_type=meaning.type,
            event_id=event_id,
            source=source,
            account=account,
            time=at,
            lookups=lookups if not account else (),
            learns=lookups if teaches else (),
        )

    def _lookups(self, call: Call, people: tuple[str, ...]) -> tuple[str, ...]:
        """Return what an ``identify`` or ``alias`` with an account teaches: all ids that it says are one person's."""
        if call.type == "alias" and call.previous_id is not None:
            people += (self._people.of(str(call.previous_id)),)
        return lookups_of(people)

    def _name(self, call: Call, name: str | None) -> str:
        if name or call.type != "track":
            return name or ""
        raise RefusedError("event_invalid", "a track call says what happened: add event", field="event")

    def _id(self, call: Call) -> str:
        given = call.message_id
        if given is None or given == "":
            return self._new_id()
        event_id = str(given)
        if len(event_id) > self._limits.id_chars_max or not event_id.isprintable():
            raise RefusedError(
                "id_invalid",
                f"a messageId has 1 to {self._limits.id_chars_max} printable characters",
                field="messageId",
            )
        return event_id


def _taught(index: int, event_id: str, source: str, at: str, account: str, lookups: tuple[str, ...]) -> Draft | None:
    """Return the draft of a call that is no event but says whose somebody is.

    That is the account it names, or the one that any of its ids is known to belong to: they are one person's.
    """
    if account:
        return Draft(index, "", event_id, source, at, b"{}", account, (), lookups)
    return Draft(index, "", event_id, source, at, b"{}", "", lookups, lookups) if len(lookups) > 1 else None


def _id_of(raw: bytes | msgspec.Raw) -> str | None:
    try:
        given = _named.decode(raw).message_id
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return None if given is None else str(given)[:_NAMED_ID_CHARS_MAX]
