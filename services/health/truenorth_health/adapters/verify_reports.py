"""What `verify` found, in a form that is printed, kept for resuming, and written as JSON."""

from typing import Literal

import msgspec

Kind = Literal["state", "transition", "present"]
"""The fold of the log; a published transition and its point; what is published and stored now."""


class AccountDifference(msgspec.Struct, frozen=True):
    """One field of one account that differs.

    ``stored`` is what is kept or published, ``refolded`` what follows from the log. ``offsets`` say where to look: by
    topic (short name), the records that hold it or were folded last.
    """

    partition: int
    account: str
    field: str
    stored: str
    refolded: str
    offsets: dict[str, int]
    kind: Kind = "state"

    def commands(self) -> list[str]:
        """Return the commands that show the records to look at."""
        return [
            f"truenorth tail {topic} --partition {self.partition} --offset {offset} --count 1"
            for topic, offset in self.offsets.items()
        ]


class PartitionReport(msgspec.Struct, frozen=True):
    """What was compared in one partition.

    ``waiting`` accounts had events that nothing was decided about yet; ``unjudged`` transitions and
    ``unjudged_accounts`` could not be judged, for the reasons in ``out_of_reach``.
    """

    partition: int
    accounts: int
    events: int
    dead_letters: int
    differences: list[AccountDifference]
    duplicates: int = 0
    transitions: int = 0
    waiting: int = 0
    unjudged: int = 0
    unjudged_accounts: int = 0
    out_of_reach: list[str] = []
