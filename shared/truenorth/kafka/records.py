"""What is read from and written to topics, and which partition a key belongs to."""

import struct
from functools import lru_cache
from typing import Any, Final, NamedTuple, Protocol

from truenorth.codec import HEADERS

RECORD_BYTES_MAX: Final = 3 * 1024 * 1024
"""The largest key plus value that a producer of the house takes; below the topics' ``max.message.bytes``."""

RECORD_HEADERS: Final[list[tuple[str, bytes | None]]] = [(name, value) for name, value in HEADERS]

_MASK: Final = 0xFFFFFFFF
_MULTIPLIER: Final = 0x5BD1E995
_SEED: Final = 0x9747B28C
_KEYS_CACHED_MAX: Final = 262_144


class Record(NamedTuple):
    """One record as read. ``topic`` is the full name; ``timestamp_ms`` is the broker's clock at the append."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int


class Sendable(Protocol):
    """Anything with a full topic name, a key and a value (None is a tombstone); `Outgoing` is."""

    @property
    def topic(self) -> str: ...  # noqa: D102
    @property
    def key(self) -> bytes | None: ...  # noqa: D102
    @property
    def value(self) -> bytes | None: ...  # noqa: D102


class Outgoing(NamedTuple):
    """One record to write. ``topic`` is the full name; a ``value`` of None is a tombstone."""

    topic: str
    key: bytes | None
    value: bytes | None


def to_record(raw: Any) -> Record:
    """Return the client's record as ours."""
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, raw.timestamp)


def murmur2(data: bytes) -> int:
    """Return the 32-bit murmur2 hash that Kafka's default partitioner (Java's) uses."""
    length = len(data)
    words = length >> 2
    result = _SEED ^ length
    for word in struct.unpack_from(f"<{words}I", data):
        mixed = (word * _MULTIPLIER) & _MASK
        mixed = ((mixed ^ (mixed >> 24)) * _MULTIPLIER) & _MASK
        result = ((result * _MULTIPLIER) & _MASK) ^ mixed
    if rest := data[words << 2 :]:
        result = ((result ^ int.from_bytes(rest, "little")) * _MULTIPLIER) & _MASK
    result = ((result ^ (result >> 13)) * _MULTIPLIER) & _MASK
    return result ^ (result >> 15)


@lru_cache(maxsize=_KEYS_CACHED_MAX)
def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that a key has among ``partitions``, as every default Kafka producer chooses it."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
