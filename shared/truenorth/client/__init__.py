"""A small client for product back ends that have no SDK: msgspec and the standard library, nothing else.

`Client` sends events in the background, at least once; docs/guides/sources/python-client.md is the guide.
"""

from truenorth.client.client import Client
from truenorth.client.limits import ClientLimits
from truenorth.client.wire import Answer, NewEvent, Refusal

__all__ = ["Answer", "Client", "ClientLimits", "NewEvent", "Refusal"]
