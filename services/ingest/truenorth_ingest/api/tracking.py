"""``/v1/batch`` and a route per kind of call: what Segment's and RudderStack's SDKs send, unchanged.

Several of them count nothing but 200 as success, repeat a refused request unless its body has ``code`` and
``message``, say a content type that is not true, and have their key in the body alone.
"""

from collections.abc import Callable
from typing import Final

from truenorth.clock import Clock
from truenorth.codec import encode_json
from truenorth.errors import RefusedError

from truenorth_ingest.api.door import Asked
from truenorth_ingest.api.events import JSON_TYPE
from truenorth_ingest.api.problems import Reply, reply
from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.inflating import inflated
from truenorth_ingest.domain.keys import WRITE_SCOPE
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.tracking.calls import KINDS, cut_calls
from truenorth_ingest.domain.tracking.reading import CallReader
from truenorth_ingest.handlers.intake import Intake, some_of
from truenorth_ingest.handlers.keyring import Keyring
from truenorth_ingest.handlers.rates import Rates

BATCH_PATHS: Final = ("/v1/batch", "/v1/b", "/v1/import")
CALL_PATHS: Final = {
    **{f"/v1/{kind}": kind for kind in KINDS},
    **{f"/v1/{kind[0]}": kind for kind in KINDS},
}
"""Every kind by its name, and by its first letter as browsers' libraries do."""


class TrackingRoad:
    """See `truenorth_ingest.api.door.Road`; ``kind`` is the route's kind of call, empty for batches."""

    methods = frozenset({"POST"})

    def __init__(
        self,
        kind: str,
        *,
        keyring: Keyring,
        rates: Rates,
        intake: Intake,
        reader: Callable[[], CallReader],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._kind = kind
        self._route = f"tracking/{kind}" if kind else "tracking"
        self._keyring = keyring
        self._rates = rates
        self._intake = intake
        self._reader = reader
        self._limits = limits
        self._clock = clock

    async def greet(self, asked: Asked) -> Sender | None:
        """Return whose key it is, or None when there is none in the headers: it may be in the body."""
        if "authorization" not in asked.headers and "x-write-key" not in asked.headers:
            self._keyring.admit_stranger(asked.address)
            return None
        sender = await self._keyring.sender(asked.headers, scope=WRITE_SCOPE, address=asked.address)
        return self._admitted(sender)

    async def take(self, asked: Asked, body: bytes, caller: object) -> Reply:
        """Take the calls."""
        plain = inflated(body, asked.headers.get("content-encoding", ""), bytes_max=self._limits.body_bytes_max)
        if plain is not body:
            asked.hold(len(plain))
        calls = cut_calls(plain, self._kind, self._limits)
        if isinstance(caller, Sender):
            sender = caller
        elif calls.write_key:
            said = await self._keyring.sender_of(calls.write_key, scope=WRITE_SCOPE, address=asked.address)
            asked.known()
            sender = self._admitted(said)
        else:
            self._keyring.failed(asked.address)
            raise RefusedError(
                "key_missing", "send the write key by Basic or Bearer authentication, or as writeKey in the body"
            )
        now_ms = self._clock.now_ms()
        cut = self._reader().read(calls, sender=sender, now_ms=now_ms)
        told = self._rates.charge(sender, cut.items, self._clock.monotonic())
        answer = await self._intake.take(cut, sender, route=self._route, now_ms=now_ms)
        return reply(200, JSON_TYPE, encode_json(some_of(answer)), told)

    def _admitted(self, sender: Sender) -> Sender:
        self._rates.admit(sender, self._clock.monotonic())
        return sender


def tracking_roads(
    *,
    keyring: Keyring,
    rates: Rates,
    intake: Intake,
    reader: Callable[[], CallReader],
    limits: Limits,
    clock: Clock,
) -> dict[str, TrackingRoad]:
    """Return the roads by path."""
    kinds = dict.fromkeys(BATCH_PATHS, "") | CALL_PATHS
    made = {
        kind: TrackingRoad(kind, keyring=keyring, rates=rates, intake=intake, reader=reader, limits=limits, clock=clock)
        for kind in {*kinds.values()}
    }
    return {path: made[kind] for path, kind in kinds.items()}
