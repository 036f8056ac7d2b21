"""What is kept of a refused event: why, whose key, and the beginning of it."""

import msgspec
from truenorth import codec, quarantine
from truenorth.errors import RefusedError
from truenorth.quarantine import QuarantinedEvent
from truenorth.topics import full_name

from truenorth_ingest.domain.erasing import speaks_of_erasure

QUARANTINE_TOPIC = full_name(quarantine.TOPIC)


def quarantined(
    raw: bytes | msgspec.Raw, refusal: RefusedError, *, route: str, key_id: str, now_ms: int, original_bytes_max: int
) -> bytes:
    """Return the value of the quarantine record of a refused event."""
    kept_bytes = 0 if speaks_of_erasure(raw) else min(len(raw), original_bytes_max)
    return codec.encode_json(
        QuarantinedEvent(
            code=refusal.code,
            field=refusal.field,
            message=refusal.message,
            route=route,
            key_id=key_id,
            recordedtime=codec.rfc3339(now_ms),
            original=bytes(memoryview(raw)[:kept_bytes]).decode("utf-8", "replace"),
            original_bytes=len(raw),
            truncated=len(raw) > kept_bytes,
        )
    )
