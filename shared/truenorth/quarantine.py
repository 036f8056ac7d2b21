"""What is kept of a refused event: the record that the edge writes, and whoever lists refusals reads."""

from typing import Final

import msgspec

from truenorth.errors import RefusedError

TOPIC: Final = "quarantine"
_MESSAGE_CHARS_MAX: Final = 300


class QuarantinedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """A record of the quarantine topic.

    ``route`` is the road it came by: ``events``, ``tracking`` (a batch), ``tracking/<call>``, ``accounts``, ``uploads``
    or ``webhooks/<connector>``.
    ``original`` is the event as JSON, at most 32 KiB of it, without the people in it: their ids are pseudonyms, and
    strings that the contract does not know are marks such as ``[12 characters]``; ``redacted`` says so. What was not
    JSON is a mark altogether. It is empty for what may be a request to forget: whoever is to be forgotten is not kept
    here for a month by the very request. ``truncated`` is whether it cannot be replayed, because it is not whole.
    ``key_name`` names the key, and is the source of an event that names none.
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
    redacted: bool = False
    key_name: str = ""


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
