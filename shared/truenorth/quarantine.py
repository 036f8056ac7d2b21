"""What is kept of a refused event: the record that the edge writes, and whoever lists refusals reads."""

from typing import Final

import msgspec

from truenorth.errors import RefusedError

TOPIC: Final = "quarantine"
_MESSAGE_CHARS_MAX: Final = 300


class QuarantinedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record of the quarantine topic.

    ``route`` is the road it came by: ``events``, ``tracking``, ``accounts``, ``uploads`` or ``webhooks/<connector>``.
    ``original`` is text, at most 8 KiB of it, broken characters replaced. It is empty, and ``truncated`` says so, for
    what may be a request to forget: whoever is to be forgotten is not kept here for a month by the very request.
    """

    code: str
    field: str
    message: str
    route: str
    key_id: str
    recordedtime: str
    original: str
    original_bytes: int
    truncated: bool = False


_decoder = msgspec.json.Decoder(QuarantinedEvent)


def parse_quarantined(value: bytes) -> QuarantinedEvent:
    """Return the record that ``value`` holds; members it does not know are ignored.

    Raises:
        RefusedError: ``quarantine_malformed``.
    """
    try:
        return _decoder.decode(value)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise RefusedError("quarantine_malformed", str(error)[:_MESSAGE_CHARS_MAX]) from error
