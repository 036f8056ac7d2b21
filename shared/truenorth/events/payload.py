"""The common shape of payloads."""

import msgspec


class PayloadStruct(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Frozen, defaults left off the wire, unknown fields ignored."""
