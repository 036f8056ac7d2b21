"""What the client holds, sends at once and waits for; each limit with its unit in its name."""

from dataclasses import dataclass

from truenorth.client.wire import BATCH_EVENTS_MAX


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The defaults suit a web back end; ``queue_*`` bound its memory, ``retry_seconds_max`` an outage it outlives.

    An event waits at most ``flush_seconds`` for others. ``send`` on a full queue blocks up to ``block_seconds_max``,
    then raises. ``close`` and the end of the process wait up to ``close_seconds_max`` for what is queued.
    A batch that was not acknowledged ``retry_seconds_max`` after its first attempt is given up.
    """

    queue_events_max: int = 10_000
    queue_bytes_max: int = 32 * 1024 * 1024
    batch_events_max: int = BATCH_EVENTS_MAX
    batch_bytes_max: int = 1024 * 1024 - 64
    event_bytes_max: int = 32 * 1024
    flush_seconds: float = 0.5
    block_seconds_max: float = 5.0
    close_seconds_max: float = 15.0
    request_seconds_max: float = 30.0
    retry_seconds_max: float = 1_800.0
    retry_wait_seconds_min: float = 0.5
    retry_wait_seconds_max: float = 30.0
    retry_after_seconds_max: float = 300.0
