"""The changelog's records: keys and the parts that belong to the engine itself."""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from truenorth.errors import HaltError

SEPARATOR: Final = "\x1f"
OWN_PART: Final = ""
"""Name of the engine's own part of an account."""

POSITION_KEY: Final = b"\x00position"
OPEN_KEY: Final = b"\x00open"
SCHEMA: Final = 1

_HEAD = struct.Struct("<BBq")
_NO_DUE: Final = -1
_NO_OFFSET: Final = -1


class Own(NamedTuple):
    """The engine's own part: the last offset folded per source number, and the next due time."""

    offsets: dict[int, int]
    next_due_ms: int | None


class Position(msgspec.Struct, frozen=True):
    """The position record of a partition: the next offset of each source (full topic name) at one flush.

    ``now_ms`` is the latest time anything was decided at, ``decided`` what all accounts were last decided for.
    """

    flush: int
    sources: dict[str, int]
    now_ms: int = 0
    decided: str = ""
    schema: int = SCHEMA


class OpenMark(msgspec.Struct, frozen=True):
    """Written by whoever opens a partition; it reads the changelog up to its own mark."""

    owner: str
    opened_ms: int


_positions = msgspec.json.Decoder(Position)
encode_control = msgspec.json.Encoder().encode


def entry_key(account: str, part: str) -> bytes:
    """Return the changelog key of one part of an account."""
    return f"{account}{SEPARATOR}{part}".encode()


def split_key(key: bytes) -> tuple[str, str]:
    """Return account and part of a changelog key."""
    account, _, part = key.decode().rpartition(SEPARATOR)
    return account, part


def encode_own(offsets: Mapping[int, int], next_due_ms: int | None) -> bytes:
    """Return the bytes of the engine's own part."""
    count = max(offsets, default=-1) + 1
    head = _HEAD.pack(SCHEMA, count, _NO_DUE if next_due_ms is None else next_due_ms)
    return head + struct.pack(f"<{count}q", *[offsets.get(number, _NO_OFFSET) for number in range(count)])


def decode_own(part: bytes) -> Own:
    """Parse the engine's own part.

    Raises:
        HaltError: a newer version of the program wrote it.
    """
    schema, count, due = _HEAD.unpack_from(part)
    if schema != SCHEMA:
        raise HaltError(f"the state was written by version {schema} of the engine; this is version {SCHEMA}")
    numbers = struct.unpack_from(f"<{count}q", part, _HEAD.size)
    offsets = {number: offset for number, offset in enumerate(numbers) if offset != _NO_OFFSET}
    return Own(offsets, None if due == _NO_DUE else due)


def decode_position(value: bytes) -> Position:
    """Parse a position record.

    Raises:
        HaltError: it is unreadable or of a newer version.
    """
    try:
        position = _positions.decode(value)
    except msgspec.MsgspecError as error:
        raise HaltError(f"the position record is unreadable: {error}") from error
    if position.schema != SCHEMA:
        raise HaltError(f"the position was written by version {position.schema} of the engine; this is {SCHEMA}")
    return position
