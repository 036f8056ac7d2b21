"""The limits of the edge, each with its unit in its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request and one event may weigh; the defaults are the published contract."""

    body_bytes_max: int = 1024 * 1024
    event_bytes_max: int = 32 * 1024
    batch_events_max: int = 2_500
    id_chars_max: int = 256
    source_chars_max: int = 256
    future_ms_max: int = 5 * 60 * 1000
    original_bytes_max: int = 32 * 1024
