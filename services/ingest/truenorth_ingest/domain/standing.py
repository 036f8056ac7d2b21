"""How a request to forget stands: what each service has said of it."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from truenorth.erasures import SERVICES

Status = Literal["requested", "running", "finished"]


class Standing(NamedTuple):
    """One request. ``account`` is empty until it was read back from its topic; times are epoch ms."""

    request_id: str
    kind: str
    account: str
    asked_ms: int
    done_ms: Mapping[str, int]

    @property
    def status(self) -> Status:
        """Whether nobody, somebody or everybody has carried it out."""
        if all(service in self.done_ms for service in SERVICES):
            return "finished"
        return "running" if self.done_ms else "requested"
