"""Records that cannot be processed, and what is kept of them on the dead-letter topic."""

import base64
from collections import OrderedDict
from typing import Final

import msgspec

from truenorth.codec import encode_json, refusal
from truenorth.errors import HaltError
from truenorth.kafka.records import Record

VALUE_BYTES_MAX: Final = 64 * 1024
REASON_CHARS_MAX: Final = 1000
POISON_WINDOW_RECORDS: Final = 200
POISON_RECORDS_MIN: Final = 20
POISON_SHARE_MAX: Final = 0.5


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


class PoisonLimit:
    """Halts a reader that cannot read most of its latest records: that is a wrong release, not wrong records.

    However records are cut into batches, the latest 200 are looked at, from 20 unreadable ones on; a record that is
    read again counts once.
    """

    def __init__(self) -> None:
        self._latest: OrderedDict[tuple[str, int, int], bool] = OrderedDict()
        self._dead = 0

    def good(self, record: Record) -> None:
        """Note a record that could be read."""
        self._note(record, dead=False)

    def dead(self, record: Record, reason: str) -> None:
        """Note one that could not; call it before parking.

        Raises:
            HaltError: most of the latest could not; going on would empty the topics into the dead letters.
        """
        self._note(record, dead=True)
        seen = len(self._latest)
        if self._dead >= POISON_RECORDS_MIN and self._dead > POISON_SHARE_MAX * seen:
            raise HaltError(f"{self._dead} of the last {seen} records cannot be read; now of {record.topic}: {reason}")

    def _note(self, record: Record, *, dead: bool) -> None:
        place = (record.topic, record.partition, record.offset)
        self._dead += dead - self._latest.pop(place, False)
        self._latest[place] = dead
        if len(self._latest) > POISON_WINDOW_RECORDS:
            self._dead -= self._latest.popitem(last=False)[1]


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
