"""What is kept of a refused event: why, whose key, and the beginning of it."""

import msgspec
from truenorth import codec
from truenorth.errors import RefusedError
from truenorth.topics import full_name


class QuarantinedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record of the quarantine topic. ``original`` is text, at most 8 KiB of it, broken characters replaced."""

    code: str
    field: str
    message: str
    key_id: str
    recordedtime: str
    original: str
    original_bytes: int
    truncated: bool = False


QUARANTINE_TOPIC = full_name("quarantine")


def quarantined(
    raw: bytes | msgspec.Raw, refusal: RefusedError, *, key_id: str, now_ms: int, original_bytes_max: int
) -> bytes:
    """Return the value of the quarantine record of a refused event."""
    return codec.encode_json(
        QuarantinedEvent(
            code=refusal.code,
            field=refusal.field,
            message=refusal.message,
            key_id=key_id,
            recordedtime=codec.rfc3339(now_ms),
            original=bytes(memoryview(raw)[:original_bytes_max]).decode("utf-8", "replace"),
            original_bytes=len(raw),
            truncated=len(raw) > original_bytes_max,
        )
    )
