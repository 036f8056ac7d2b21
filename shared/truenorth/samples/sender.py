"""Posting events to ingest in batches, patient with a busy edge, exact about what was refused."""

from collections.abc import Callable, Sequence
from typing import Final, Self

import httpx
import msgspec

from truenorth import codec
from truenorth.clock import Clock
from truenorth.errors import MissingError, TransientError
from truenorth.samples.events import SampleEvent

BATCH_EVENTS_MAX: Final = 500
ATTEMPTS_MAX: Final = 10
WAIT_S_MAX: Final = 15.0
TIMEOUT_S: Final = 30.0
_CONTENT_TYPE: Final = "application/cloudevents-batch+json"


class Rejection(msgspec.Struct, frozen=True):
    """One event that ingest refused: its place in the batch, and why."""

    index: int
    code: str
    message: str
    id: str | None = None
    field: str = ""


class _Answer(msgspec.Struct, frozen=True):
    accepted: int
    rejected: list[Rejection] = []


Refused = Callable[[SampleEvent, Rejection], None]


class EventSender:
    """Posts batches in order, one at a time. Use it with ``async with``."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        source: str,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = f"{url.rstrip('/')}/v1/events"
        self._source = source
        self._clock = clock
        headers = {"authorization": f"Bearer {key}", "content-type": _CONTENT_TYPE}
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, transport=transport)
        self.accepted = 0
        self.rejected = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def post(
        self,
        events: Sequence[SampleEvent],
        *,
        refused: Refused | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        """Post all events in their order; each is acknowledged or was told to ``refused`` when this returns.

        Raises:
            MissingError: the key is not known, or nobody listens at the address.
            TransientError: the edge kept saying "not now", or a batch as a whole was refused.
        """
        for start in range(0, len(events), BATCH_EVENTS_MAX):
            batch = events[start : start + BATCH_EVENTS_MAX]
            answer = await self._batch(codec.encode_json([event.cloud_event(self._source) for event in batch]))
            self.accepted += answer.accepted
            self.rejected += len(answer.rejected)
            for rejection in answer.rejected:
                if refused is not None:
                    refused(batch[rejection.index], rejection)
            if progress is not None:
                progress(len(batch))

    async def _batch(self, body: bytes) -> _Answer:
        wait_s = 0.5
        reason = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = await self._client.post(self._url, content=body)
            except httpx.HTTPError as error:
                reason = f"{self._url} does not answer ({type(error).__name__})"
            else:
                if answer.status_code not in {408, 429, 503}:
                    return self._read(answer)
                reason = f"ingest is not taking events now: {answer.text[:200]}"
                wait_s = _asked_wait_s(answer, wait_s)
            await self._clock.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S_MAX)
        raise TransientError(f"gave up after {ATTEMPTS_MAX} attempts: {reason}")

    def _read(self, answer: httpx.Response) -> _Answer:
        if answer.status_code in {401, 403}:
            raise MissingError(f"ingest does not know this write key ({answer.text[:200]}); give another with --key")
        if answer.status_code != 200:
            raise TransientError(f"ingest refused a whole batch with {answer.status_code}: {answer.text[:300]}")
        try:
            return msgspec.json.decode(answer.content, type=_Answer)
        except msgspec.MsgspecError as error:
            raise TransientError(f"{self._url} does not answer as ingest does: {error}") from None


def _asked_wait_s(answer: httpx.Response, otherwise_s: float) -> float:
    asked = answer.headers.get("retry-after", "")
    return min(float(asked), WAIT_S_MAX) if asked.isdigit() else otherwise_s
