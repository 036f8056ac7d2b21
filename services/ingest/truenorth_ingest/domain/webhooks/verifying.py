"""Whether a webhook comes from whom it says: one verifier, and a table per vendor (`Signature`) that it goes by.

Refusals never say which part was right: whoever tries learns nothing but that it was not enough.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from truenorth import codec
from truenorth.definitions.intake import Signature
from truenorth.errors import RefusedError

SIGNATURES_MAX: Final = 20
"""No vendor sends more at once; the rest of a longer list is not looked at."""
SECRETS_MAX: Final = 2
"""The present one and the next or the one before: that is what changing a secret needs."""
DIGITS_MAX: Final = 15

_PLACES: Final = re.compile(r"\{(body|timestamp|id|method|url)\}")
_MILLIS: Final = {"s": 1000, "ms": 1}


def verified(
    signature: Signature,
    secrets: Sequence[str],
    *,
    body: bytes,
    headers: Mapping[str, str],
    method: str,
    url: str,
    now_ms: int,
) -> None:
    """Return when one of the signatures was made over this request with one of the secrets, and lately.

    Args:
        signature: the vendor's scheme.
        secrets: one, or two while they are being changed.
        body: the bytes as they came; a body that was parsed and written anew has another signature.
        headers: names in lower case.
        method: of the request, in capitals.
        url: what the vendor sent it to, as seen from outside.
        now_ms: the time of arrival.

    Raises:
        RefusedError: ``signature_missing``, ``signature_stale`` or ``signature_wrong``; ``connector_broken`` when a
            secret is not encoded as the scheme says.
    """
    given = headers.get(signature.header.lower(), "").strip()
    if not given:
        raise RefusedError("signature_missing", f"the header {signature.header} has the signature; it is not there")
    items = _items(given, signature.separator)
    timestamp = _timestamp(signature, headers, items)
    event_id = headers.get(signature.id_header.lower(), "") if signature.id_header else ""
    found = [item.removeprefix(signature.prefix) for item in items if item.startswith(signature.prefix)]
    digests = [digest for text in found[:SIGNATURES_MAX] if (digest := _digest(text, signature.encoding))]
    if not digests:
        raise RefusedError("signature_missing", f"the header {signature.header} holds no signature of this kind")
    if timestamp is not None and not _is_recent(timestamp, signature, now_ms):
        raise RefusedError(
            "signature_stale", f"the timestamp is not within {signature.tolerance_seconds} seconds of now; send it anew"
        )
    parts = {"body": body, "timestamp": _bytes(timestamp or ""), "id": _bytes(event_id)}
    parts |= {"method": _bytes(method), "url": _bytes(url)}
    signed = b"".join(parts[place] if place else text.encode() for text, place in _template(signature.signed))
    right = False
    for secret in secrets:
        made = hmac.digest(_key(secret, signature), signed, signature.algorithm)
        for digest in digests:  # all of them, always: the time taken tells nothing
            right |= hmac.compare_digest(made, digest)
    if not right:
        raise _wrong()


def basic_verified(secrets: Sequence[str], headers: Mapping[str, str]) -> None:
    """Return when the request has one of the secrets (``user:password``) in HTTP Basic.

    Raises:
        RefusedError: ``signature_missing`` or ``signature_wrong``.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic" or not given:
        raise RefusedError("signature_missing", "send the name and password of this connector by HTTP Basic")
    try:
        plain = base64.b64decode(given.strip(), validate=True)
    except (binascii.Error, ValueError):
        plain = b""
    _same(plain, secrets)


def token_verified(secrets: Sequence[str], token: str) -> None:
    """Return when the URL's last part is one of the secrets.

    Raises:
        RefusedError: ``signature_missing`` or ``signature_wrong``.
    """
    if not token:
        raise RefusedError("signature_missing", "the URL of this connector ends in /<its token>; this one does not")
    _same(_bytes(token), secrets)


def checked_secrets(signature: Signature, secrets: Sequence[str]) -> None:
    """Return when these secrets are encoded as the scheme says.

    Raises:
        RefusedError: ``connector_broken``.
    """
    for secret in secrets:
        _key(secret, signature)


def unknown_places(signed: str) -> list[str]:
    """Return what a template names in braces and nothing fills in."""
    return [name for name in re.findall(r"\{([^{}]*)\}", signed) if not _PLACES.fullmatch(f"{{{name}}}")]


def _same(given: bytes, secrets: Sequence[str]) -> None:
    right = False
    for secret in secrets:
        right |= hmac.compare_digest(hashlib.sha256(given).digest(), hashlib.sha256(secret.encode()).digest())
    if not right:
        raise _wrong()


def _wrong() -> RefusedError:
    return RefusedError("signature_wrong", "nothing here was signed with the secret that is set for this connector")


def _items(given: str, separator: str) -> list[str]:
    return [item.strip() for item in given.split(separator)] if separator else [given]


def _timestamp(signature: Signature, headers: Mapping[str, str], items: Sequence[str]) -> str | None:
    """Return the timestamp as the sender wrote it, None where the scheme has none."""
    if signature.timestamp_prefix:
        prefix = signature.timestamp_prefix
        found = next((item.removeprefix(prefix) for item in items if item.startswith(prefix)), "")
        where = f"the header {signature.header} holds no timestamp"
    elif signature.timestamp_header:
        found = headers.get(signature.timestamp_header.lower(), "").strip()
        where = f"the header {signature.timestamp_header} has the time of sending; it is not there"
    else:
        return None
    if not found:
        raise RefusedError("signature_missing", where)
    return found


def _is_recent(timestamp: str, signature: Signature, now_ms: int) -> bool:
    if signature.timestamp_unit == "iso":
        try:
            sent_ms = codec.parse_time(timestamp)
        except RefusedError:
            return False
    else:
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= DIGITS_MAX):
            return False
        sent_ms = int(timestamp) * _MILLIS[signature.timestamp_unit]
    return abs(now_ms - sent_ms) <= signature.tolerance_seconds * 1000


def _digest(text: str, encoding: str) -> bytes:
    """Return the bytes of a signature, none when it is not encoded as the scheme says."""
    try:
        return bytes.fromhex(text) if encoding == "hex" else base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _key(secret: str, signature: Signature) -> bytes:
    text = secret.removeprefix(signature.key_prefix)
    if signature.key_encoding == "text":
        return text.encode()
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError("connector_broken", "the secret that is set for this connector is not base64") from None


@lru_cache(maxsize=256)
def _template(signed: str) -> tuple[tuple[str, str], ...]:
    """Return the parts of a template in order: ``(text, "")`` or ``("", place)``."""
    parts = _PLACES.split(signed)
    return tuple((part, "") if index % 2 == 0 else ("", part) for index, part in enumerate(parts) if part)


def _bytes(text: str) -> bytes:
    """Return what came over the wire: the server decodes headers and paths byte by byte or as UTF-8."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode()
