"""Every event of the house: an envelope (CloudEvents 1.0, structured mode) around one typed payload.

One module per family. A payload is a frozen struct whose ``type`` on the wire is its tag in `CATALOGUE`.
Within ``.v1`` only optional fields are added, never removed or retyped; readers ignore what they do not know.
"""

from truenorth.events.catalogue import CATALOGUE, FAMILY_OF_TYPE, Payload, family_of
from truenorth.events.envelope import Envelope, Event

__all__ = ["CATALOGUE", "FAMILY_OF_TYPE", "Envelope", "Event", "Payload", "family_of"]
