"""The readers that a connector may name in ``reads``."""

from collections.abc import Mapping
from typing import Final

from truenorth_ingest.domain.told import Reader
from truenorth_ingest.domain.vendors import hubspot, stripe, typeform, zendesk

READERS: Final[Mapping[str, Reader]] = {
    "hubspot": hubspot.read,
    "stripe": stripe.read,
    "typeform": typeform.read,
    "zendesk": zendesk.read,
}
