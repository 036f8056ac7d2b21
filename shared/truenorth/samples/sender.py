"""Posting events to ingest in batches, patient with a busy edge, exact about what was refused."""

from collections.abc import Callable, Sequence
from typing import Final, Self

import httpx

from truenorth import codec
from truenorth.client.wire import (
    BATCH_EVENTS_MAX,
    BATCH_TYPE,
    EVENTS_PATH,
    Answer,
    Refusal,
    answer_of,
    asked_wait_s,
    may_be_repeated,
    refused_whole,
)
from truenorth.clock import Clock
from truenorth.errors import MissingError, TransientError
from truenorth.samples.events import SampleEvent

ATTEMPTS_MAX: Final = 10
WAIT_S_MAX: Final = 15.0
TIMEOUT_S: Final = 30.0

Refused = Callable[[SampleEvent, Refusal], None]


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
        self._url = f"{url.rstrip('/')}{EVENTS_PATH}"
        self._source = source
        self._clock = clock
        headers = {"authorization": f"Bearer {key}", "content-type": BATCH_TYPE}
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

    async def _batch(self, body: bytes) -> Answer:
        wait_s = 0.5
        reason = ""
        for _ in range(ATTEMPTS_MAX):
            try:
                answer = await self._client.post(self._url, content=body)
            except httpx.HTTPError as error:
                reason = f"{self._url} does not answer ({type(error).__name__})"
            else:
                if not may_be_repeated(answer.status_code):
                    return self._read(answer)
                reason = f"ingest is not taking events now: {answer.text[:200]}"
                asked_s = asked_wait_s(answer.headers.get("retry-after", ""), now_ms=self._clock.now_ms())
                wait_s = wait_s if asked_s is None else min(asked_s, WAIT_S_MAX)
            await self._clock.sleep(wait_s)
            wait_s = min(wait_s * 2, WAIT_S_MAX)
        raise TransientError(f"gave up after {ATTEMPTS_MAX} attempts: {reason}")

    def _read(self, answer: httpx.Response) -> Answer:
        told = answer_of(answer.status_code, answer.content)
        if told is not None:
            return told
        refused = refused_whole(answer.status_code, answer.content)
        if answer.status_code in {401, 403}:
            raise MissingError(f"ingest does not know this write key ({refused}); give another with --key")
        raise TransientError(f"ingest refused a whole batch with {answer.status_code}: {refused}")
