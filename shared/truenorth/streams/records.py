"""The changelog's records: keys, the own part of an account with its core, and the control records."""

import struct
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from truenorth.errors import HaltError, TransientError

SEPARATOR: Final = "\x1f"
OWN_PART: Final = ""
"""Name of the part that is the engine's own: the head, and behind it the processor's core part."""

POSITION_KEY: Final = b"\x00position"
OPEN_KEY: Final = b"\x00open"
SCHEMA: Final = 2
"""Version of the engine's own records."""

_HEAD = struct.Struct("<BBHq")
_OFFSET_BYTES: Final = 8
_NO_DUE: Final = -1
NO_OFFSET: Final = -1
"""Stands where nothing of a source was folded yet."""


class Own(NamedTuple):
    """The engine's own part of an account.

    ``offsets`` are the last offsets folded, by source number; ``schema`` the version of the program's state that
    all parts of the account are written in; ``core`` the core part, empty when there is none.
    """

    offsets: list[int]
    next_due_ms: int | None
    schema: int
    core: bytes


class Position(msgspec.Struct, frozen=True):
    """The position record of a partition: the next offset of each source (full topic name) at one flush.

    ``now_ms`` is the latest time anything was decided at, ``decided`` what all accounts were last decided for,
    ``state_schema`` the newest version of the program's state in the partition, ``dead_in_row`` how many records were
    parked one after the other last.
    """

    flush: int
    sources: dict[str, int]
    now_ms: int = 0
    decided: str = ""
    state_schema: int = 1
    dead_in_row: int = 0
    schema: int = SCHEMA


class OpenMark(msgspec.Struct, frozen=True):
    """Written by whoever opens a partition; it reads the changelog up to its own mark."""

    owner: str
    opened_ms: int


class NewerStateError(TransientError):
    """A newer version of the program wrote the state; this one leaves it alone and waits to be replaced."""


_positions = msgspec.json.Decoder(Position)
encode_control = msgspec.json.Encoder().encode


def entry_key(account: str, part: str) -> bytes:
    """Return the changelog key of one part of an account."""
    return f"{account}{SEPARATOR}{part}".encode()


def split_key(key: bytes) -> tuple[str, str]:
    """Return account and part of a changelog key."""
    account, _, part = key.decode().rpartition(SEPARATOR)
    return account, part


def encode_own(offsets: Sequence[int], next_due_ms: int | None, *, schema: int, core: bytes) -> bytes:
    """Return the bytes of the own part."""
    count = len(offsets)
    head = _HEAD.pack(SCHEMA, count, schema, _NO_DUE if next_due_ms is None else next_due_ms)
    return head + struct.pack(f"<{count}q", *offsets) + core


def decode_own(part: bytes) -> Own:
    """Parse the own part.

    Raises:
        HaltError: another version of the engine wrote it.
    """
    version, count, schema, due = _HEAD.unpack_from(part)
    if version != SCHEMA:
        raise HaltError(f"the state was written by version {version} of the engine; this is version {SCHEMA}")
    offsets = list(struct.unpack_from(f"<{count}q", part, _HEAD.size))
    return Own(offsets, None if due == _NO_DUE else due, schema, part[_HEAD.size + _OFFSET_BYTES * count :])


def due_of(part: bytes) -> int | None:
    """Return the next due time in an own part."""
    due: int = _HEAD.unpack_from(part)[3]
    return None if due == _NO_DUE else due


def core_of(part: bytes, schema: int) -> bytes | None:
    """Return the core in an own part; None where it is empty, or is written in another version of the state."""
    version, count, of, _ = _HEAD.unpack_from(part)
    if version != SCHEMA or of != schema:
        return None
    return part[_HEAD.size + _OFFSET_BYTES * count :] or None


def decode_position(value: bytes) -> Position:
    """Parse a position record.

    Raises:
        HaltError: it is unreadable or of an older version.
        NewerStateError: a newer version of the engine wrote it.
    """
    try:
        position = _positions.decode(value)
    except msgspec.MsgspecError as error:
        raise HaltError(f"the position record is unreadable: {error}") from error
    if position.schema > SCHEMA:
        raise NewerStateError(f"version {position.schema} of the engine wrote it; this is {SCHEMA}")
    if position.schema < SCHEMA:
        raise HaltError(f"the position was written by version {position.schema} of the engine; this is {SCHEMA}")
    return position
