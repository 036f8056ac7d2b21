"""A set of definitions under its content hash, and how it lies on the definitions topic.

Two kinds of records: a bundle under its hash, which is never deleted, and one record under ``current`` that
points at the bundle in force. Values are JSON. A bundle is taken only when its content has the hash it claims.
"""

import hashlib
from typing import Final

import msgspec
import msgspec.structs

from truenorth.definitions.model import Bundle, Definitions
from truenorth.errors import RefusedError

CURRENT_KEY: Final = b"current"
HASH_CHARS: Final = 12


class BundleRecord(msgspec.Struct, frozen=True):
    """The value under a hash: the definitions, and the number and time (epoch ms) of their latest apply."""

    hash: str
    ordinal: int
    applied_ms: int
    definitions: Definitions


class CurrentRecord(msgspec.Struct, frozen=True):
    """The value under ``current``: which bundle is in force, since when (epoch ms), by which apply."""

    hash: str
    ordinal: int
    applied_ms: int


_encoder = msgspec.json.Encoder(order="sorted")
_bundles = msgspec.json.Decoder(BundleRecord)
_currents = msgspec.json.Decoder(CurrentRecord)


def canonical(definitions: Definitions) -> bytes:
    """Return the one encoding of these definitions: sorted fields, defaults left out, list order kept.

    Whether a default was written out makes no difference; neither will a field that a later version adds.
    """
    return _encoder.encode(_told(definitions))


def hash_of(definitions: Definitions) -> str:
    """Return the content hash, 12 hex characters (SHA-256)."""
    return hashlib.sha256(canonical(definitions)).hexdigest()[:HASH_CHARS]


def make_bundle(definitions: Definitions, *, ordinal: int, applied_ms: int) -> Bundle:
    """Return the bundle of these definitions."""
    return Bundle(hash=hash_of(definitions), ordinal=ordinal, applied_ms=applied_ms, definitions=definitions)


def encode_bundle(bundle: Bundle) -> tuple[bytes, bytes]:
    """Return key and value of the bundle's record."""
    record = BundleRecord(bundle.hash, bundle.ordinal, bundle.applied_ms, bundle.definitions)
    return bundle.hash.encode(), _encoder.encode(record)


def encode_current(bundle: Bundle) -> tuple[bytes, bytes]:
    """Return key and value of the record that puts the bundle in force."""
    return CURRENT_KEY, _encoder.encode(CurrentRecord(bundle.hash, bundle.ordinal, bundle.applied_ms))


def decode_bundle(key: bytes, value: bytes) -> Bundle:
    """Return the bundle of a record.

    Raises:
        RefusedError: ``bundle_invalid`` when it does not decode, or ``bundle_altered`` when its content does
            not have the hash it is filed under.
    """
    try:
        record = _bundles.decode(value)
    except msgspec.MsgspecError as error:
        raise RefusedError("bundle_invalid", f"bundle {_shown(key)} does not decode: {error}") from None
    if record.hash.encode() != key or hash_of(record.definitions) != record.hash:
        raise RefusedError("bundle_altered", f"bundle {_shown(key)} does not have the content its hash claims")
    return Bundle(record.hash, record.ordinal, record.applied_ms, record.definitions)


def decode_current(value: bytes) -> CurrentRecord:
    """Return which bundle is in force.

    Raises:
        RefusedError: ``current_invalid`` when it does not decode.
    """
    try:
        return _currents.decode(value)
    except msgspec.MsgspecError as error:
        raise RefusedError("current_invalid", f"the record of what is in force does not decode: {error}") from None


def _told(value: object) -> object:
    if isinstance(value, list):
        return [_told(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    fields = {known.name: known for known in msgspec.structs.fields(value)}
    values = {name: getattr(value, name) for name in fields}
    return {name: _told(item) for name, item in values.items() if item != _default(fields[name])}


def _default(known: msgspec.structs.FieldInfo) -> object:
    """Return the field's default; what equals nothing when it has none."""
    return known.default if known.default_factory is msgspec.NODEFAULT else known.default_factory()


def _shown(key: bytes) -> str:
    return key[:40].decode("utf-8", "replace")
