"""Parts of the state in plain values, with the names of their fields: for `truenorth tail health-changelog`."""

from typing import Any

import msgspec

from truenorth_health.domain.path import Path
from truenorth_health.domain.state import PART_KINDS


def described(part: str, value: bytes) -> object:
    """Return a part as dicts, lists and scalars; the part without a name is the core (the path).

    Raises:
        msgspec.MsgspecError: the bytes are none of this part.
    """
    kind = Path if part == "" else PART_KINDS.get(part)
    if kind is None:
        return {"unknown_part": part, "bytes": len(value)}
    return _plain(msgspec.msgpack.decode(value, type=kind))


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.hex() if isinstance(value, bytes | bytearray) else value
