"""A verified webhook's body, read into drafts and refusals; a body that is a list is as many webhooks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth import codec
from truenorth.definitions.intake import Connector
from truenorth.errors import RefusedError
from truenorth.events.catalogue import TYPES_FROM_OUTSIDE
from truenorth.ids import ACCOUNT_ID_CHARS_MAX

from truenorth_ingest.domain.accepting import Acceptor
from truenorth_ingest.domain.drafts import Cut, Draft, Refused
from truenorth_ingest.domain.lenient import as_strict_json
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.times import Times
from truenorth_ingest.domain.told import Reader, Told
from truenorth_ingest.domain.webhooks.expressions import Evaluate, as_text, compiled
from truenorth_ingest.domain.webhooks.mapping import EVENTS_PER_WEBHOOK_MAX, CompiledMappings

DELIVERY_CHARS_MAX: Final = 200
SHOWN_ID_CHARS_MAX: Final = 128


@dataclass(frozen=True, slots=True)
class Body:
    """A body's JSON, and whether it was JSON only by leniency."""

    payload: object
    repaired: bool


class ConnectorReader:
    """One connector, ready to read: its built-in reader or its mappings, and what names a delivery.

    Raises:
        RefusedError: ``expression_invalid`` or ``type_not_accepted``, with the field of the connector.
    """

    def __init__(self, connector: Connector, built_in: Mapping[str, Reader]) -> None:
        self.connector = connector
        self._read = CompiledMappings(connector).read if connector.reads == "mapping" else built_in[connector.reads]
        self._delivery: Evaluate | None = compiled(connector.event_id) if connector.event_id else None

    def delivery(self, payload: object, headers: Mapping[str, str]) -> str:
        """Return what the vendor names this delivery and its repeats; empty when it does not say."""
        signature = self.connector.signature
        if signature is not None and signature.id_header:
            given = headers.get(signature.id_header.lower(), "")
        elif self._delivery is None or isinstance(payload, list):
            return ""
        else:
            try:
                given = as_text(self._delivery(payload))
            except RefusedError:
                return ""  # reading it will say so
        return given if len(given) <= DELIVERY_CHARS_MAX and "\0" not in given else ""

    def headers_of(self, index: int, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers for one item of a list: the delivery's id is not the id of each of them."""
        signature = self.connector.signature
        name = signature.id_header.lower() if signature is not None else ""
        return {**headers, name: f"{headers[name]}-{index}"} if headers.get(name) else headers

    def told(self, item: object, headers: Mapping[str, str]) -> Sequence[Told]:
        """Return what one webhook means.

        Raises:
            RefusedError: ``webhook_unknown`` or ``webhook_invalid``.
        """
        told = self._read(item, headers)
        if len(told) > EVENTS_PER_WEBHOOK_MAX:
            raise RefusedError("webhook_invalid", f"one webhook means at most {EVENTS_PER_WEBHOOK_MAX} events")
        return told


class WebhookDrafter:
    """Judges what connectors say like everything else that comes in."""

    def __init__(self, *, acceptor: Acceptor, limits: Limits, new_id: Callable[[], str]) -> None:
        self._acceptor = acceptor
        self._new_id = new_id
        self._limits = limits
        self._times = Times(future_ms_max=limits.future_ms_max)

    def read(
        self,
        reader: ConnectorReader,
        raw: bytes,
        body: Body,
        headers: Mapping[str, str],
        now_ms: int,
        *,
        new_id: Callable[[], str] | None = None,
    ) -> Cut:
        """Return what a body brought: an item that is refused leaves no part of itself behind.

        ``new_id`` makes the ids of events that nothing names, where chance must not.

        Raises:
            RefusedError: ``batch_too_long``; the whole request is meant.
        """
        of_list = isinstance(body.payload, list)
        items = body.payload if isinstance(body.payload, list) else [body.payload]
        if len(items) > self._limits.batch_events_max:
            raise RefusedError(
                "batch_too_long", f"{len(items)} webhooks in one body; at most {self._limits.batch_events_max}"
            )
        found = Cut(len(items), repaired=body.repaired)
        for index, item in enumerate(items):
            try:
                told = reader.told(item, reader.headers_of(index, headers) if of_list else headers)
                drafts = [self.draft(one, index, reader.connector.id, now_ms, new_id) for one in told]
            except RefusedError as refusal:
                original = codec.encode_json(item) if of_list else raw
                found.refused.append(Refused(index, _id_of(item), original, refusal))
            else:
                found.drafts += drafts
        return found

    def draft(
        self, told: Told, index: int, connector: str, now_ms: int, new_id: Callable[[], str] | None = None
    ) -> Draft:
        """Return the draft of one event that a webhook means.

        Raises:
            RefusedError: with the field that is wrong.
        """
        if told.type not in TYPES_FROM_OUTSIDE:
            raise RefusedError("type_not_accepted", f"{told.type!r} is not for senders to say", field="type")
        _check_account(told.account)
        _check_lookups(told.lookups)
        event_id = told.id or (new_id or self._new_id)()
        if len(event_id) > self._limits.id_chars_max or not event_id.isprintable():
            raise RefusedError(
                "id_invalid", f"an id has 1 to {self._limits.id_chars_max} printable characters", field="id"
            )
        return self._acceptor.drafted(
            told.payload,
            index=index,
            event_type=told.type,
            event_id=event_id,
            source=f"webhook {connector}",
            account=told.account,
            time=self._times.happened(told.time, now_ms),
            lookups=told.lookups,
            actor=told.actor,
        )


def read_body(body: bytes) -> Body:
    """Return the JSON of a body.

    Raises:
        RefusedError: ``body_invalid``.
    """
    try:
        return Body(msgspec.json.decode(body), repaired=False)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        strict = as_strict_json(body, what="body_invalid")
    try:
        return Body(msgspec.json.decode(strict), repaired=True)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RefusedError("body_invalid", f"not JSON that can be read: {str(error)[:200]}") from None


def _check_account(account: str) -> None:
    if len(account) > ACCOUNT_ID_CHARS_MAX or not (account.isprintable() and account == account.strip()):
        raise RefusedError(
            "webhook_invalid",
            f"an account id has 1 to {ACCOUNT_ID_CHARS_MAX} printable characters and no space at its ends",
            field="account",
        )


def _check_lookups(lookups: Sequence[str]) -> None:
    """Refuse ids of accounts that no table can be asked for: other people write into what vendors send."""
    if not all(lookup.isprintable() for lookup in lookups):
        raise RefusedError(
            "webhook_invalid", "an id of an account in another system has printable characters", field="external_id"
        )


def _id_of(item: object) -> str | None:
    given = item.get("id") if isinstance(item, dict) else None
    return str(given)[:SHOWN_ID_CHARS_MAX] if isinstance(given, str | int) else None
