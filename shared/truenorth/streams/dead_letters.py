"""Records that cannot be processed: what is kept of them, and when there are too many."""

import base64
from typing import Final

import msgspec

from truenorth.codec import encode_json
from truenorth.errors import HaltError
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


class DeadLetterLimits:
    """Counts per partition. When nearly everything is poison the program is wrong, not the records."""

    def __init__(self, *, in_row_max: int, ratio_max: float, window: int) -> None:
        self._in_row_max = in_row_max
        self._ratio_max = ratio_max
        self._window = window
        self._in_row = 0
        self._good = 0
        self._dead = 0

    def good(self, count: int) -> None:
        """Note records that could be processed."""
        if count:
            self._in_row = 0
            self._good += count
            self._age()

    def dead(self, place: str, reason: str) -> None:
        """Note one that could not.

        Raises:
            HaltError: there are too many; nothing is drained.
        """
        self._in_row += 1
        self._dead += 1
        if self._in_row > self._in_row_max:
            raise HaltError(f"{self._in_row} records in a row of {place} cannot be processed; the last: {reason}")
        seen = self._good + self._dead
        if seen >= self._window and self._dead > self._ratio_max * seen:
            raise HaltError(f"{self._dead} of the last {seen} records of {place} cannot be processed: {reason}")
        self._age()

    def _age(self) -> None:
        if self._good + self._dead >= 2 * self._window:
            self._good //= 2
            self._dead //= 2
