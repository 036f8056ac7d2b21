"""Whose account it is, remembered in this process in front of the table that all of them share.

What was found is kept for a while and outlives the table's absence; what was not found is asked for again soon. What
this process says on `identities`, or reads there, is laid over the table's answers for as long as the table may lag
behind the topic: so an account learned by any process is known to all, and a second one makes it ambiguous at once.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import TransientError

from truenorth_ingest.ports import AccountMap

KNOWN_SECONDS: Final = 900.0
"""How long an answer holds without being asked for again; a change that is read on `identities` counts at once."""
UNKNOWN_SECONDS: Final = 2.0
LAG_SECONDS: Final = 60.0
"""How long what `identities` says is laid over the table's answers."""
AWAY_SECONDS: Final = 1.0
"""For so long the table is not asked after it did not answer: requests must not queue up for a database that hangs."""
TABLE_SECONDS_MAX: Final = 2.0
REMEMBERED_MAX: Final = 200_000

log = logging.getLogger(__name__)


class _Remembered:
    """What is known of one lookup. ``whole`` is whether the table was ever asked; ``news`` is laid over its answer."""

    __slots__ = ("accounts", "news", "until_s", "whole")

    def __init__(self) -> None:
        self.accounts: tuple[str, ...] = ()
        self.until_s = float("-inf")
        self.whole = False
        self.news: dict[str, tuple[bool, float]] = {}

    def told(self, account: str, *, belongs: bool, until_s: float) -> None:
        self.news[account] = belongs, until_s
        rest = tuple(one for one in self.accounts if one != account)
        self.accounts = (*rest, account) if belongs else rest
        if not self.accounts:
            self.until_s = float("-inf")

    def asked(self, accounts: Sequence[str], now_s: float) -> None:
        self.news = {account: news for account, news in self.news.items() if now_s < news[1]}
        kept = [account for account in accounts if self.news.get(account, (True,))[0]]
        new = [account for account, (belongs, _) in self.news.items() if belongs and account not in kept]
        self.accounts = (*kept, *new)
        self.whole = True
        self.until_s = now_s + (KNOWN_SECONDS if self.accounts else UNKNOWN_SECONDS)


class LearnedAccounts:
    """See `truenorth_ingest.ports.Accounts`."""

    def __init__(
        self,
        table: AccountMap,
        clock: Clock,
        *,
        remembered_max: int = REMEMBERED_MAX,
        table_seconds_max: float = TABLE_SECONDS_MAX,
    ) -> None:
        self._table_seconds_max = table_seconds_max
        self._table = table
        self._clock = clock
        self._remembered_max = remembered_max
        self._known: OrderedDict[str, _Remembered] = OrderedDict()
        self._away_until_s = float("-inf")

    async def find(self, lookups: Collection[str]) -> Mapping[str, Sequence[str] | None]:
        """See `truenorth_ingest.ports.Accounts.find`."""
        now_s = self._clock.monotonic()
        found: dict[str, Sequence[str] | None] = {}
        asked: list[str] = []
        for lookup in lookups:
            kept = self._known.get(lookup)
            if kept is not None and now_s < kept.until_s:
                if kept.accounts:
                    found[lookup] = kept.accounts
            else:
                asked.append(lookup)
        if asked:
            found.update(await self._asked(asked, now_s))
        return found

    def is_news(self, lookup: str, account: str) -> bool:
        """See `truenorth_ingest.ports.Accounts.is_news`."""
        kept = self._known.get(lookup)
        return kept is None or account not in kept.accounts

    def note(self, lookup: str, account: str) -> None:
        """See `truenorth_ingest.ports.Accounts.note`."""
        self._told(lookup, account, belongs=True)

    def forget(self, lookup: str, account: str) -> None:
        """See `truenorth_ingest.ports.Accounts.forget`."""
        self._told(lookup, account, belongs=False)

    def ask_again(self) -> None:
        """Ask the table anew for everything; what is remembered holds only while the table cannot be asked."""
        for kept in self._known.values():
            kept.until_s = float("-inf")

    def _told(self, lookup: str, account: str, *, belongs: bool) -> None:
        kept = self._known.get(lookup) or self._remembered(lookup)
        kept.told(account, belongs=belongs, until_s=self._clock.monotonic() + LAG_SECONDS)

    async def _asked(self, lookups: Sequence[str], now_s: float) -> Mapping[str, Sequence[str] | None]:
        """Ask the table; while it is away, what it once said still holds, with what came since."""
        if now_s < self._away_until_s:
            return {lookup: self._last(lookup) for lookup in lookups}
        try:
            async with asyncio.timeout(self._table_seconds_max):
                told = await self._table.accounts_of(lookups)
        except (TransientError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            log.warning("accounts cannot be looked up; what is not known here waits", extra={"reason": reason})
            self._away_until_s = self._clock.monotonic() + AWAY_SECONDS
            return {lookup: self._last(lookup) for lookup in lookups}
        found: dict[str, Sequence[str] | None] = {}
        for lookup in lookups:
            kept = self._remembered(lookup)
            kept.asked(told.get(lookup, ()), now_s)
            if kept.accounts:
                found[lookup] = kept.accounts
        return found

    def _last(self, lookup: str) -> Sequence[str] | None:
        """Return what is remembered without asking: an account of which the table may know a second one is none."""
        kept = self._known.get(lookup)
        return kept.accounts or None if kept is not None and kept.whole else None

    def _remembered(self, lookup: str) -> _Remembered:
        kept = self._known.setdefault(lookup, _Remembered())
        self._known.move_to_end(lookup)
        while len(self._known) > self._remembered_max:
            self._known.popitem(last=False)
        return kept
