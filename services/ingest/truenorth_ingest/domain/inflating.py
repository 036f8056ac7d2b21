"""Request bodies in gzip, inflated under a limit, so that a bomb costs no more than an honest body."""

import zlib
from typing import Final

from truenorth.errors import RefusedError

_GZIP_WINDOW: Final = 31
ENCODINGS: Final = frozenset({"gzip", "x-gzip"})


def inflated(body: bytes, encoding: str, *, bytes_max: int) -> bytes:
    """Return the body without its ``Content-Encoding``.

    Raises:
        RefusedError: ``encoding_unsupported``, ``body_invalid`` (broken gzip) or ``body_too_large``.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in ENCODINGS:
        raise RefusedError("encoding_unsupported", f"Content-Encoding {encoding[:40]!r}: send gzip or none")
    stream = zlib.decompressobj(_GZIP_WINDOW)
    try:
        text = stream.decompress(body, bytes_max + 1)
    except zlib.error:
        raise RefusedError("body_invalid", "Content-Encoding says gzip and the body is not gzip") from None
    if len(text) > bytes_max:
        raise RefusedError("body_too_large", f"the inflated body is over {bytes_max} bytes; send smaller batches")
    if not stream.eof:
        raise RefusedError("body_invalid", "the gzip body ends too early; send it whole")
    if stream.unused_data.strip(b"\0"):  # what came behind would be lost, and the answer would say it was taken
        raise RefusedError("body_invalid", "the gzip body goes on behind its end; send it as one gzip member")
    return text
