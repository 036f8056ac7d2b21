"""Records that cannot be processed, and what is kept of them on the dead-letter topic."""

import base64
from typing import Final

import msgspec

from truenorth.codec import encode_json, refusal
from truenorth.kafka.records import Record

VALUE_BYTES_MAX: Final = 64 * 1024
REASON_CHARS_MAX: Final = 1000


class DeadLetter(msgspec.Struct, frozen=True):
    """The value of a dead-letter record. ``value_base64`` holds at most the first 64 KiB."""

    topic: str
    partition: int
    offset: int
    reader: str
    reason: str
    parked_ms: int
    key: str = ""
    value_base64: str = ""
    truncated: bool = False


def letter(record: Record, *, reader: str, reason: str, now_ms: int) -> bytes:
    """Return the dead-letter record value of a record that ``reader`` cannot process."""
    value = record.value or b""
    return encode_json(
        DeadLetter(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reader=reader,
            reason=reason[:REASON_CHARS_MAX],
            parked_ms=now_ms,
            key=(record.key or b"").decode(errors="replace"),
            value_base64=base64.b64encode(value[:VALUE_BYTES_MAX]).decode(),
            truncated=len(value) > VALUE_BYTES_MAX,
        )
    )


def parse_letter(value: bytes) -> DeadLetter:
    """Parse a dead-letter record value.

    Raises:
        RefusedError: ``dead_letter_invalid`` when it is none.
    """
    try:
        return _letters.decode(value)
    except msgspec.MsgspecError as error:
        raise refusal("dead_letter_invalid", error) from None


_letters = msgspec.json.Decoder(DeadLetter)
