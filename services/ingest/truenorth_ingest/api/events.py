"""``POST /v1/events``: CloudEvents in all their modes."""

from typing import Final

from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.api.door import Asked
from truenorth_ingest.api.problems import Reply, reply
from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.inflating import inflated
from truenorth_ingest.domain.keys import WRITE_SCOPE
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.reading import read_events
from truenorth_ingest.handlers.intake import Intake, some_of
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.handlers.rates import Rates

EVENTS_PATH: Final = "/v1/events"
JSON_TYPE: Final = b"application/json"
ORIGIN_HEADER: Final = "webhook-request-origin"
ORIGIN_CHARS_MAX: Final = 255


class EventsRoad:
    """See `truenorth_ingest.api.door.Road`."""

    methods = frozenset({"POST", "OPTIONS"})
    """OPTIONS is how a CloudEvents webhook asks, before the first delivery, whether its events are wanted."""

    def __init__(
        self, *, keyring: Keyring, rates: Rates, intake: Intake, acceptor: Acceptor, limits: Limits, clock: Clock
    ) -> None:
        self._keyring = keyring
        self._rates = rates
        self._intake = intake
        self._acceptor = acceptor
        self._limits = limits
        self._clock = clock

    async def greet(self, asked: Asked) -> Sender | None:
        """Return whose key it is; who only asks whether events are wanted needs none."""
        if asked.method == "OPTIONS":
            return None
        sender = await self._keyring.sender(asked.headers, scope=WRITE_SCOPE, address=asked.address)
        self._rates.admit(sender, self._clock.monotonic())
        return sender

    async def take(self, asked: Asked, body: bytes, caller: object) -> Reply:
        """Take the events."""
        if asked.method == "OPTIONS":
            return self._wanted(asked.headers.get(ORIGIN_HEADER, ""))
        assert isinstance(caller, Sender)  # noqa: S101 - what greet returned
        plain = inflated(body, asked.headers.get("content-encoding", ""), bytes_max=self._limits.body_bytes_max)
        if plain is not body:
            asked.hold(len(plain))
        now_ms = self._clock.now_ms()
        cut = read_events(
            plain, asked.headers, acceptor=self._acceptor, limits=self._limits, sender=caller, now_ms=now_ms
        )
        told = self._rates.charge(caller, cut.items, self._clock.monotonic())
        answer = await self._intake.take(cut, caller, route="events", now_ms=now_ms)
        return reply(200, JSON_TYPE, encode_json(some_of(answer)), told)

    def _wanted(self, origin: str) -> Reply:
        """Say that events are wanted, as the validation handshake of CloudEvents' webhooks asks.

        Raises:
            RefusedError: ``header_invalid``: it is something else that is asked.
        """
        if not origin or len(origin) > ORIGIN_CHARS_MAX or not origin.isascii() or not origin.isprintable():
            raise RefusedError(
                "header_invalid", "say who will send events in WebHook-Request-Origin", field="webhook-request-origin"
            )
        allowed = (b"webhook-allowed-origin", origin.encode()), (b"allow", b"POST, OPTIONS")
        return reply(
            200, JSON_TYPE, b"", [*allowed, (b"webhook-allowed-rate", str(self._rates.events_per_minute).encode())]
        )
