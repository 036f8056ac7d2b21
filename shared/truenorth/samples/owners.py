"""Who looks after the sample accounts: the CSMs of the example definitions (``config/people.yaml``)."""

from typing import Final

from truenorth.ids import short_hash

OWNERS: Final = ("dana.reyes", "tomas.lindqvist", "amara.okafor", "kenji.mori")


def owner_of(account: str) -> str:
    """Return the owner that this account always has."""
    return OWNERS[short_hash(account) % len(OWNERS)]
