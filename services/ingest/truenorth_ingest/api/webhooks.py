"""``POST /v1/webhooks/<connector>``: what other systems send by themselves.

What is signed as it should be is answered 200 even when an item of it is refused: a vendor that is answered 4xx
repeats the same webhook for days and then switches the whole hook off. The answer and the quarantine say what was
refused.
"""

from dataclasses import dataclass
from typing import Final

from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.api.door import Asked, Unproven
from truenorth_ingest.api.problems import Reply, reply
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.inflating import inflated
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.webhooks.taking import WebhookDrafter, read_body
from truenorth_ingest.domain.webhooks.verifying import basic_verified, token_verified, verified
from truenorth_ingest.handlers.connectors import Connectors, OpenConnector
from truenorth_ingest.handlers.deliveries import Deliveries
from truenorth_ingest.handlers.hearing import Hearing
from truenorth_ingest.handlers.intake import Answer, Intake
from truenorth_ingest.handlers.rates import Rates
from truenorth_ingest.handlers.strangers import Strangers
from truenorth_ingest.ports import Meter

WEBHOOKS_PREFIX: Final = "/v1/webhooks/"
JSON_TYPE: Final = b"application/json"


@dataclass(frozen=True, slots=True)
class WebhookParts:
    """What webhooks need beside what every road does; `Deliveries` and `Hearing` also run by themselves."""

    connectors: Connectors
    deliveries: Deliveries
    hearing: Hearing


@dataclass(frozen=True, slots=True)
class Caller(Unproven):
    """A connector that somebody speaks for, not verified yet unless by its token or password."""

    opened: OpenConnector
    sender: Sender


class WebhooksRoad:
    """See `truenorth_ingest.api.door.Road`."""

    methods = frozenset({"POST", "HEAD"})
    """Some vendors ask with HEAD whether anybody is there, before they keep the address."""

    def __init__(
        self,
        *,
        parts: WebhookParts,
        rates: Rates,
        intake: Intake,
        drafter: WebhookDrafter,
        limits: Limits,
        clock: Clock,
        meter: Meter,
        strangers: Strangers,
    ) -> None:
        self._strangers = strangers
        self._connectors = parts.connectors
        self._deliveries = parts.deliveries
        self._hearing = parts.hearing
        self._rates = rates
        self._intake = intake
        self._drafter = drafter
        self._limits = limits
        self._clock = clock
        self._meter = meter

    async def greet(self, asked: Asked) -> Caller:
        """Return which connector it is; tokens and passwords are checked before the body is read."""
        connector_id, _, token = asked.rest.partition("/")
        opened = self._connectors.of(connector_id)
        try:
            if opened.connector.auth == "basic":
                basic_verified(opened.secrets, asked.headers)
            elif opened.connector.auth == "token":
                token_verified(opened.secrets, token)
        except RefusedError:
            self._meter.webhook(connector_id, "refused")
            now_s = self._clock.monotonic()
            self._strangers.admit(asked.address, now_s)  # tells who tries too often that, and not what was wrong
            self._strangers.failed(asked.address, now_s)
            raise
        if token and opened.connector.auth != "token":
            raise RefusedError("not_found", "this connector's URL has no token; send to it without one")
        sender = Sender(f"webhook:{connector_id}", connector_id)
        self._rates.admit(sender, self._clock.monotonic())
        return Caller(opened, sender)

    async def take(self, asked: Asked, body: bytes, caller: object) -> Reply:
        """Take what the webhook says."""
        assert isinstance(caller, Caller)  # noqa: S101 - what greet returned
        if asked.method == "HEAD":
            return reply(200, JSON_TYPE, b"")
        plain = inflated(body, asked.headers.get("content-encoding", ""), bytes_max=self._limits.body_bytes_max)
        if plain is not body:
            asked.hold(len(plain))
        now_ms = self._clock.now_ms()
        self._verify(caller.opened, asked, plain, now_ms)
        asked.known()
        self._hearing.heard(caller.opened.connector.id)
        answer = await self._answered(asked, plain, caller, now_ms)
        more = self._rates.headers(caller.sender, self._clock.monotonic())
        return reply(200, JSON_TYPE, encode_json(answer), more)

    def _verify(self, opened: OpenConnector, asked: Asked, body: bytes, now_ms: int) -> None:
        connector = opened.connector
        if connector.auth != "signature" or connector.signature is None:
            return
        query = f"?{asked.query}" if asked.query else ""
        try:
            verified(
                connector.signature,
                opened.secrets,
                body=body,
                headers=asked.headers,
                method=asked.method,
                url=f"{self._connectors.public_url}{asked.path}{query}",
                now_ms=now_ms,
            )
        except RefusedError:
            self._meter.webhook(connector.id, "refused")
            raise

    async def _answered(self, asked: Asked, body: bytes, caller: Caller, now_ms: int) -> Answer:
        connector = caller.opened.connector.id
        if not body.strip():  # how some vendors try an address out
            return Answer(True, 0, ())
        read = read_body(body)
        delivery = caller.opened.reader.delivery(read.payload, asked.headers)
        if delivery and await self._deliveries.is_taken(connector, delivery):
            self._meter.webhook(connector, "repeated")
            return Answer(True, 0, ())
        cut = self._drafter.read(caller.opened.reader, body, read, asked.headers, now_ms)
        self._rates.charge(caller.sender, max(1, len(cut.drafts)), self._clock.monotonic())
        answer = await self._intake.take(cut, caller.sender, route=f"webhooks/{connector}", now_ms=now_ms)
        self._meter.webhook(connector, "taken")
        if delivery and not cut.refused:  # what was refused may be sent again once its mapping is corrected
            await self._deliveries.note(connector, delivery)
        return answer
