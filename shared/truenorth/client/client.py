"""Events of a product back end to ingest, in the background and at least once."""

import atexit
import logging
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final, Self, TypeVar

from truenorth.client.backlog import Backlog, Queued
from truenorth.client.limits import ClientLimits
from truenorth.client.posting import Posting
from truenorth.client.wire import Answer, NewEvent, Refusal, batch_of, encoded
from truenorth.clock import Clock, SystemClock, to_millis
from truenorth.errors import RefusedError, TransientError
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.events.payload import PayloadStruct
from truenorth.ids import random_id

NOW_SECONDS_MAX: Final = 10.0

OnRefused = Callable[[NewEvent, Refusal], None]
OnLost = Callable[[NewEvent, str], None]

_Why = TypeVar("_Why", Refusal, str)

log = logging.getLogger(__name__)


class Client:
    """Sends events to one edge with one write key. Make one per process; every method may be called by any thread.

    What `send` queues is posted by a thread of its own in batches, repeated under the same ids until the edge has
    acknowledged it; so it arrives at least once, and the ids make a repeat harmless. Sending in order and from one
    client, an account's events keep their order.

    ``on_refused(event, refusal)`` is told of every event that the edge refuses: sending it again unchanged is in vain.
    ``on_lost(event, reason)`` is told of every event given up without an acknowledgement (an outage longer than the
    limits, or the end of the process): it may be sent again under its id. Without them both are logged. They run in
    the posting thread and must not wait for this client.

    After a fork the child starts empty: what the parent had queued stays the parent's to send.
    """

    def __init__(
        self,
        url: str,
        key: str,
        *,
        source: str = "",
        on_refused: OnRefused | None = None,
        on_lost: OnLost | None = None,
        limits: ClientLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._url = url
        self._key = key
        self._source = source
        self._on_refused = on_refused or _log_refused
        self._on_lost = on_lost or _log_lost
        self._limits = limits or ClientLimits()
        self._clock = clock or SystemClock()
        self._posting().close()  # refuses an address or a key that cannot be one, here rather than in the background
        self._start_over()
        if hasattr(os, "register_at_fork"):  # where there is fork
            itself = weakref.ref(self)
            os.register_at_fork(after_in_child=lambda: _start_over(itself))

    def _start_over(self) -> None:
        self._backlog = Backlog(self._limits)
        self._counting = threading.Lock()
        self._worker: threading.Thread | None = None
        self._closed = False
        self._accepted = 0
        self._refused = 0
        self._lost = 0

    @property
    def accepted(self) -> int:
        """How many events the edge has acknowledged."""
        return self._accepted

    @property
    def refused(self) -> int:
        """How many events the edge has refused."""
        return self._refused

    @property
    def lost(self) -> int:
        """How many events were given up without an acknowledgement."""
        return self._lost

    @property
    def waiting(self) -> int:
        """How many events are queued or in flight."""
        return len(self._backlog)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self,
        data: PayloadStruct,
        *,
        account: str,
        time: datetime | None = None,
        id: str | None = None,  # noqa: A002 - the attribute's name on the wire
        backfill: bool = False,
    ) -> str:
        """Queue an event and return its id; ``time`` is now unless given (with a zone).

        Raises:
            RefusedError: the event cannot be right; names the field. Or ``client_closed``.
            TransientError: the queue stayed full for ``block_seconds_max``; the event is not queued.
        """
        event, written = self._made(data, account, time, id, backfill=backfill)
        if self._worker is None:
            self._start()
        self._backlog.put(Queued(event, written))
        return event.id

    def send_now(
        self,
        data: PayloadStruct,
        *,
        account: str,
        time: datetime | None = None,
        id: str | None = None,  # noqa: A002 - the attribute's name on the wire
        backfill: bool = False,
        seconds_max: float = NOW_SECONDS_MAX,
    ) -> Answer:
        """Send one event and return when the broker has it; overtakes what is queued, on a connection of its own.

        Raises:
            RefusedError: not taken, with the edge's code and field; sending it again unchanged is in vain.
            TransientError: not acknowledged within ``seconds_max``; it may be sent again under the same id.
        """
        _, written = self._made(data, account, time, id, backfill=backfill)
        posting = self._posting()
        try:
            answer = posting.until_answered(batch_of([written]), seconds_max=seconds_max, pause=threading.Event().wait)
        except RefusedError:
            self._count(refused=1)
            raise
        finally:
            posting.close()
        self._count(accepted=answer.accepted, refused=len(answer.rejected))
        for refusal in answer.rejected:
            raise RefusedError(refusal.code, refusal.message, field=refusal.field)
        return answer

    def flush(self, *, seconds_max: float = 30.0) -> None:
        """Wait until everything queued so far is acknowledged, refused or given up.

        Raises:
            TransientError: that took longer than ``seconds_max``; what waits goes on waiting.
        """
        if not self._backlog.wait_settled(seconds_max):
            raise TransientError(f"{self.waiting} events are not acknowledged after {seconds_max:g} s")

    def close(self) -> None:
        """Send what is queued, then stop; a closed client takes no more. Closing again does nothing.

        Raises:
            TransientError: some events were given up after ``close_seconds_max``; ``on_lost`` was told of each.
        """
        with self._counting:
            self._closed = True
            worker, self._worker = self._worker, None
        self._backlog.close()
        if worker is None:
            return
        atexit.unregister(self._at_exit)
        if self._backlog.wait_settled(self._limits.close_seconds_max):
            if worker is not threading.current_thread():
                worker.join(1.0)
            return
        left = self._backlog.abandon()
        self._lose([item.event for item in left], "the client was closed before the edge acknowledged it")
        raise TransientError(f"{len(left)} events were given up: the edge did not acknowledge them in time")

    def _made(
        self, data: PayloadStruct, account: str, time: datetime | None, given_id: str | None, *, backfill: bool
    ) -> tuple[NewEvent, bytes]:
        if type(data) not in TYPE_OF_PAYLOAD:
            raise RefusedError("type_unknown", f"{type(data).__name__} is not the payload of an event type")
        if not account:
            raise RefusedError("subject_missing", "account is the id of the account; give it", field="subject")
        if time is not None and time.tzinfo is None:
            raise RefusedError("time_unreadable", "a time needs a zone: datetime.now(UTC)", field="time")
        moment_ms = self._clock.now_ms() if time is None else to_millis(time)
        event = NewEvent(given_id or random_id(), account, moment_ms, data, backfill)
        return event, encoded(event, self._source, bytes_max=self._limits.event_bytes_max)

    def _posting(self) -> Posting:
        return Posting(self._url, self._key, limits=self._limits, clock=self._clock)

    def _start(self) -> None:
        with self._counting:
            if self._worker is not None or self._closed:
                return
            work = (self._backlog, self._posting())
            self._worker = threading.Thread(target=self._work, args=work, name="truenorth-client", daemon=True)
            self._worker.start()
            atexit.register(self._at_exit)

    def _at_exit(self) -> None:
        try:
            self.close()
        except TransientError as error:
            log.error("%s", error)  # noqa: TRY400 - the process ends; the sentence says it all

    def _work(self, backlog: Backlog, posting: Posting) -> None:
        while batch := backlog.take():
            body = batch_of([item.encoded for item in batch])
            events = [item.event for item in batch]
            try:
                answer = posting.until_answered(body, seconds_max=self._limits.retry_seconds_max, pause=backlog.pause)
            except RefusedError as whole:
                if backlog.claim():
                    self._told([(event, _refusal(n, event, whole)) for n, event in enumerate(events)])
            except TransientError as error:
                if backlog.claim():
                    self._lose(events, str(error))
            else:
                if backlog.claim():
                    self._count(accepted=answer.accepted)
                    self._told([(events[one.index], one) for one in answer.rejected if 0 <= one.index < len(events)])
            backlog.settle()
        posting.close()

    def _told(self, refusals: Sequence[tuple[NewEvent, Refusal]]) -> None:
        self._count(refused=len(refusals))
        for event, refusal in refusals:
            _call(self._on_refused, event, refusal)

    def _lose(self, events: Sequence[NewEvent], reason: str) -> None:
        self._count(lost=len(events))
        for event in events:
            _call(self._on_lost, event, reason)

    def _count(self, *, accepted: int = 0, refused: int = 0, lost: int = 0) -> None:
        with self._counting:
            self._accepted += accepted
            self._refused += refused
            self._lost += lost


def _start_over(client: weakref.ref[Client]) -> None:
    """In a forked child: its threads are gone and its locks may be held for ever, so it gets new ones."""
    one = client()
    if one is not None:
        one._start_over()  # noqa: SLF001 - this module's own class


def _refusal(index: int, event: NewEvent, whole: RefusedError) -> Refusal:
    return Refusal(index, whole.code, whole.message, event.id, whole.field)


def _call(told: Callable[[NewEvent, _Why], None], event: NewEvent, why: _Why) -> None:
    try:
        told(event, why)
    except Exception:
        log.exception("a callback failed at event %s; sending goes on", event.id)


def _log_refused(event: NewEvent, refusal: Refusal) -> None:
    where = f" at {refusal.field}" if refusal.field else ""
    log.warning("event %s was refused%s: %s (%s)", event.id, where, refusal.message, refusal.code)


def _log_lost(event: NewEvent, reason: str) -> None:
    log.warning("event %s was given up: %s", event.id, reason)
