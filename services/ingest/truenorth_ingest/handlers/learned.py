"""Whose account it is, remembered in this process in front of the table that all of them share.

What was found, and what was learned here, is kept for a while and outlives the table's absence; what was not found is
asked for again soon, because it may have been learned elsewhere.
"""

import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import TransientError

from truenorth_ingest.ports import AccountMap

KNOWN_SECONDS: Final = 300.0
UNKNOWN_SECONDS: Final = 2.0
REMEMBERED_MAX: Final = 200_000

log = logging.getLogger(__name__)


class LearnedAccounts:
    """See `truenorth_ingest.ports.Accounts`."""

    def __init__(self, table: AccountMap, clock: Clock, *, remembered_max: int = REMEMBERED_MAX) -> None:
        self._table = table
        self._clock = clock
        self._remembered_max = remembered_max
        self._known: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()

    async def find(self, lookups: Collection[str]) -> Mapping[str, Sequence[str] | None]:
        """See `truenorth_ingest.ports.Accounts.find`."""
        now_s = self._clock.monotonic()
        found: dict[str, Sequence[str] | None] = {}
        asked: list[str] = []
        for lookup in lookups:
            kept = self._known.get(lookup)
            if kept is not None and now_s < kept[1]:
                if kept[0]:
                    found[lookup] = kept[0]
            else:
                asked.append(lookup)
        if asked:
            found.update(await self._asked(asked, now_s))
        return found

    def is_news(self, lookup: str, account: str) -> bool:
        """See `truenorth_ingest.ports.Accounts.is_news`."""
        kept = self._known.get(lookup)
        return kept is None or account not in kept[0]

    def note(self, lookup: str, account: str) -> None:
        """See `truenorth_ingest.ports.Accounts.note`."""
        if self.is_news(lookup, account):
            before = self._known.get(lookup)
            accounts = () if before is None else before[0]
            self._keep(lookup, (*accounts, account), self._clock.monotonic() + KNOWN_SECONDS)

    def forget(self, lookup: str) -> None:
        """Let go of what is remembered of a lookup."""
        self._known.pop(lookup, None)

    async def _asked(self, lookups: Sequence[str], now_s: float) -> Mapping[str, Sequence[str] | None]:
        """Ask the table; while it is away, what was known before still holds."""
        try:
            told = await self._table.accounts_of(lookups)
        except TransientError as error:
            log.warning("accounts cannot be looked up; what is not known here waits", extra={"reason": str(error)})
            return {lookup: self._last(lookup) for lookup in lookups}
        for lookup in lookups:
            accounts = tuple(told.get(lookup, ()))
            self._keep(lookup, accounts, now_s + (KNOWN_SECONDS if accounts else UNKNOWN_SECONDS))
        return told

    def _last(self, lookup: str) -> Sequence[str] | None:
        kept = self._known.get(lookup)
        return kept[0] or None if kept else None

    def _keep(self, lookup: str, accounts: tuple[str, ...], until_s: float) -> None:
        self._known[lookup] = accounts, until_s
        self._known.move_to_end(lookup)
        while len(self._known) > self._remembered_max:
            self._known.popitem(last=False)
