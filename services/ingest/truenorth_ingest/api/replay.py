"""``POST /v1/replay``: one refused event, as the quarantine keeps it, on the road that it came by, once more."""

from collections.abc import Callable
from itertools import count
from typing import Any, Final

import msgspec
from truenorth import codec
from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.api.door import Asked
from truenorth_ingest.api.events import JSON_TYPE
from truenorth_ingest.api.problems import Reply, reply
from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.drafts import Cut
from truenorth_ingest.domain.incoming import STRUCTURED_PREFIX
from truenorth_ingest.domain.keys import REPLAY_SCOPE
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.reading import read_events
from truenorth_ingest.domain.scrubbing import without_marks
from truenorth_ingest.domain.tracking.calls import KINDS, Calls
from truenorth_ingest.domain.tracking.reading import CallReader
from truenorth_ingest.domain.webhooks.taking import WebhookDrafter, read_body
from truenorth_ingest.handlers.connectors import Connectors
from truenorth_ingest.handlers.intake import Answer, Intake, Rejected
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.handlers.rates import Rates

REPLAY_PATH: Final = "/v1/replay"
WEBHOOKS_ROUTE: Final = "webhooks/"
_STRUCTURED: Final = {"content-type": f"{STRUCTURED_PREFIX}+json"}


class Replay(msgspec.Struct, frozen=True):
    """What is to be replayed, as a record of the quarantine says it.

    ``place`` (``partition:offset``) becomes part of the id of an event that has none, so that a replay can be
    repeated. With ``dry_run`` it is told what would become of it, and nothing is taken.
    """

    route: str
    original: str
    key_name: str = ""
    recordedtime: str = ""
    place: str = ""
    dry_run: bool = False


_decoder = msgspec.json.Decoder(Replay)


class ReplayRoad:
    """See `truenorth_ingest.api.door.Road`."""

    methods = frozenset({"POST"})

    def __init__(
        self,
        *,
        keyring: Keyring,
        rates: Rates,
        intake: Intake,
        acceptor: Acceptor,
        calls: Callable[[], CallReader],
        connectors: Connectors,
        drafter: WebhookDrafter,
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._keyring = keyring
        self._rates = rates
        self._intake = intake
        self._acceptor = acceptor
        self._calls = calls
        self._connectors = connectors
        self._drafter = drafter
        self._limits = limits
        self._clock = clock

    async def greet(self, asked: Asked) -> Sender:
        """Return whose key it is."""
        sender = await self._keyring.sender(asked.headers, scope=REPLAY_SCOPE, address=asked.address)
        self._rates.admit(sender, self._clock.monotonic())
        return sender

    async def take(self, asked: Asked, body: bytes, caller: object) -> Reply:
        """Read the event as its road does, and take it."""
        assert isinstance(caller, Sender)  # noqa: S101 - what greet returned
        del asked
        said = _said(body)
        now_ms = self._clock.now_ms()
        sender = Sender(caller.key_id, said.key_name or caller.name, caller.events_per_second)
        cut = self._read(said, sender, _recorded_ms(said.recordedtime, now_ms))
        self._rates.charge(caller, 1, self._clock.monotonic())
        if said.dry_run:
            answer = _would_be(cut)
        else:
            answer = await self._intake.take(cut, sender, route=said.route, now_ms=now_ms)
        return reply(200, JSON_TYPE, encode_json(answer), self._rates.headers(caller, self._clock.monotonic()))

    def _read(self, said: Replay, sender: Sender, now_ms: int) -> Cut:
        if said.route.startswith(WEBHOOKS_ROUTE):
            opened = self._connectors.of(said.route.removeprefix(WEBHOOKS_ROUTE))
            raw = _raw(said, "")
            ids = _ids(said.place) if said.place else None
            return self._drafter.read(opened.reader, raw, read_body(raw), {}, now_ms, new_id=ids)
        road, _, kind = said.route.partition("/")
        if road == "tracking" and (kind in KINDS or not kind):
            calls = Calls([_raw(said, "messageId")], kind, None, "")
            return self._calls().read(calls, sender=sender, now_ms=now_ms)
        if said.route == "events":
            return read_events(
                _raw(said, "id"),
                _STRUCTURED,
                acceptor=self._acceptor,
                limits=self._limits,
                sender=sender,
                now_ms=now_ms,
            )
        raise RefusedError(
            "route_unknown",
            "only what came by events, tracking or webhooks/<connector> can be replayed; send the rest anew",
            field="route",
        )


def _said(body: bytes) -> Replay:
    try:
        said = _decoder.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        field = codec.refusal("body_invalid", error).field if isinstance(error, msgspec.MsgspecError) else ""
        raise RefusedError("body_invalid", "the body is {route, original} as a record has them", field=field) from None
    if not (said.key_name.isprintable() and said.place.isprintable()):
        raise RefusedError("body_invalid", "key_name and place are as a record has them", field="key_name")
    return said


def _raw(said: Replay, id_name: str) -> bytes:
    """Return the original without marks; an event without an id gets one by its place."""
    try:
        original: Any = msgspec.json.decode(said.original)
    except (msgspec.MsgspecError, RecursionError):
        original = None
    if not isinstance(original, dict):
        raise RefusedError("body_invalid", "this original is not a whole JSON object any more", field="original")
    kept: dict[str, Any] = without_marks(original)
    if id_name and said.place:
        kept.setdefault(id_name, f"quarantine {said.place}")
    return encode_json(kept)


def _ids(place: str) -> Callable[[], str]:
    """Return what makes the ids of a webhook's events by its place: their own were in headers, which are not kept."""
    numbers = count()
    return lambda: f"quarantine {place}-{next(numbers)}"


def _recorded_ms(recordedtime: str, now_ms: int) -> int:
    """Return when the event came in first: an event without a time of its own happened then, not now."""
    return min(now_ms, codec.parse_time(recordedtime, field="recordedtime")) if recordedtime else now_ms


def _would_be(cut: Cut) -> Answer:
    refused = [Rejected(bad.index, bad.id, bad.error.code, bad.error.field, bad.error.message) for bad in cut.refused]
    waiting = len({draft.index for draft in cut.drafts if not draft.account})
    return Answer(True, cut.items - len(refused), refused, waiting)
