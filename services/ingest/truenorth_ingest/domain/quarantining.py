"""What is kept of a refused event: why, whose key, and as much of it as says nothing of anybody."""

from collections.abc import Callable
from typing import Final

import msgspec
from truenorth import codec, quarantine
from truenorth.errors import RefusedError
from truenorth.quarantine import QuarantinedEvent
from truenorth.topics import full_name

from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.erasing import speaks_of_erasure
from truenorth_ingest.domain.scrubbing import Scrubbed, field_told, scrubbed

_NOTHING: Final = Scrubbed("", redacted=True, replayable=False)
_NOT_TOLD: Final = "a request to forget somebody was refused; the sender was told why"
QUARANTINE_TOPIC = full_name(quarantine.TOPIC)


def quarantined(
    raw: bytes | msgspec.Raw,
    refusal: RefusedError,
    *,
    route: str,
    sender: Sender,
    now_ms: int,
    original_bytes_max: int,
    pseudonym_of: Callable[[str], str],
) -> bytes:
    """Return the value of the quarantine record of a refused event."""
    whole = bytes(raw)
    kept = _NOTHING if speaks_of_erasure(raw) else scrubbed(whole, pseudonym_of)
    text = kept.text.encode()
    cut = text[:original_bytes_max].decode("utf-8", "ignore")
    return codec.encode_json(
        QuarantinedEvent(
            code=refusal.code,
            field=field_told(refusal.field),
            message=_NOT_TOLD if kept is _NOTHING else kept.told(refusal.message),
            route=route,
            key_id=sender.key_id,
            recordedtime=codec.rfc3339(now_ms),
            original=cut,
            original_bytes=len(whole),
            truncated=not kept.replayable or max(len(whole), len(text)) > original_bytes_max,
            redacted=kept.redacted,
            key_name=sender.name,
        )
    )
