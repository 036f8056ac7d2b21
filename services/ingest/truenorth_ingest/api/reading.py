"""Request bodies off the wire, under a limit that is kept whatever the headers say."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from truenorth.errors import RefusedError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class SenderGoneError(Exception):
    """The connection closed before the body was whole; nobody waits for an answer."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return the headers of a request, names in lower case; of a repeated one the last."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def announced_bytes(headers: dict[str, str], *, bytes_max: int) -> int:
    """Return the announced length of the body, 0 when none is announced.

    Raises:
        RefusedError: ``length_invalid``, or ``body_too_large`` before a byte is read.
    """
    text = headers.get("content-length", "0")
    if not text.isdecimal() or not text.isascii():
        raise RefusedError("length_invalid", "Content-Length is a number of bytes")
    if len(text) > 18 or int(text) > bytes_max:
        raise too_large(bytes_max)
    return int(text)


async def whole_body(receive: Receive, *, bytes_max: int, grown: Callable[[int], None] | None = None) -> bytes:
    """Return the body.

    Args:
        receive: of the request.
        bytes_max: what it may have.
        grown: is told the size so far at every further piece; what it raises ends the reading.

    Raises:
        RefusedError: ``body_too_large``, at the first byte too many.
        SenderGoneError: the sender closed the connection.
    """
    message = await receive()
    body = _chunk(message)
    if not message.get("more_body", False) and len(body) <= bytes_max:
        return body
    chunks = [body]
    size = len(body)
    while size <= bytes_max and message.get("more_body", False):
        message = await receive()
        chunks.append(_chunk(message))
        size += len(chunks[-1])
        if grown is not None:
            grown(size)
    if size > bytes_max:
        raise too_large(bytes_max)
    return b"".join(chunks)


def too_large(bytes_max: int) -> RefusedError:
    """Return the refusal of a body over the limit."""
    return RefusedError("body_too_large", f"a body may have {bytes_max} bytes; send smaller batches")


def _chunk(message: Message) -> bytes:
    if message["type"] == "http.disconnect":
        raise SenderGoneError
    body: bytes = message.get("body", b"")
    return body
