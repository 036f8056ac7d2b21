"""What is asked for by hand: that somebody is forgotten, and whose a lookup is."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from truenorth.clock import Clock
from truenorth.codec import rfc3339
from truenorth.erasures import request_id_of
from truenorth.errors import RefusedError, TransientError
from truenorth.events.people import ErasureRequested

from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.asking import AskedErasure
from truenorth_ingest.domain.drafts import IDENTITIES_TOPIC, Cut, Draft, Written, identity_key, learned
from truenorth_ingest.domain.facts import account_id_of
from truenorth_ingest.domain.lookups import actor_lookup
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.handlers.intake import Intake
from truenorth_ingest.ports import Accounts, ErasureTable, EventLog, IdentityTable

ACCOUNTS_OF_ONE_MAX: Final = 500
"""Of a person, or of an id in another system."""


class Asked(NamedTuple):
    """One request to forget: its id, and at which account."""

    request_id: str
    account: str


class Whose:
    """What the table and this process know of one lookup."""

    def __init__(self, table: IdentityTable, accounts: Accounts) -> None:
        self._table = table
        self._accounts = accounts

    async def accounts_of(self, lookup: str) -> list[str]:
        """Return all accounts of a lookup, in order.

        Raises:
            TransientError: the table cannot be asked now.
        """
        kept = await self._table.all_accounts_of(lookup, limit=ACCOUNTS_OF_ONE_MAX)
        new = (await self._accounts.find([lookup])).get(lookup) or ()
        return sorted({*kept, *new})


class ErasureDesk:
    """Makes requests to forget."""

    def __init__(
        self,
        *,
        acceptor: Acceptor,
        pseudonyms: Pseudonyms,
        intake: Intake,
        whose: Whose,
        table: ErasureTable,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._acceptor = acceptor
        self._pseudonyms = pseudonyms
        self._intake = intake
        self._whose = whose
        self._table = table
        self._clock = clock
        self._new_id = new_id

    async def ask(self, asked: AskedErasure, caller: Sender) -> Sequence[Asked]:
        """Make one request per account, and return them once the broker has them.

        Raises:
            RefusedError: ``account_missing``: no account of this person is known.
            TransientError: nothing is claimed; ask again.
        """
        now_ms = self._clock.now_ms()
        event_id = asked.id or self._new_id()
        said = ErasureRequested(asked.kind, asked.subject_id, asked.by)
        drafts = [
            self._acceptor.drafted(
                said,
                index=index,
                event_type="erasure.requested",
                event_id=event_id,
                source=f"key {caller.name}",
                account=account,
                time=rfc3339(now_ms),
            )
            for index, account in enumerate(await self._accounts(asked))
        ]
        requests = [_request(draft) for draft in drafts]
        await self._table.asked([one.request_id for one in requests], kind=asked.kind, now_ms=now_ms)
        await self._intake.take(Cut(len(drafts), drafts), caller, route="erasures", now_ms=now_ms)
        return requests

    async def _accounts(self, asked: AskedErasure) -> Sequence[str]:
        if asked.account is not None:
            return [asked.account]
        if asked.kind == "account":
            return [account_id_of(asked.subject_id, field="subject_id")]
        accounts = await self._whose.accounts_of(actor_lookup(self._pseudonyms.of(asked.subject_id)))
        if not accounts:
            raise RefusedError(
                "account_missing", "no account of this person is known here; name the account", field="account"
            )
        return accounts


class IdentityDesk:
    """Tells and says whose a lookup is."""

    def __init__(
        self,
        *,
        event_log: EventLog,
        accounts: Accounts,
        whose: Whose,
        clock: Clock,
        new_id: Callable[[], str],
        answer_seconds_max: float,
    ) -> None:
        self._log = event_log
        self._accounts = accounts
        self._whose = whose
        self._clock = clock
        self._new_id = new_id
        self._answer_seconds_max = answer_seconds_max

    async def accounts_of(self, lookup: str) -> Sequence[str]:
        """Return the accounts of a lookup; raises as `Whose.accounts_of`."""
        return await self._whose.accounts_of(lookup)

    async def put(self, lookup: str, account: str) -> None:
        """Have a lookup belong to this account alone, and return once the broker has it.

        Raises:
            TransientError: nothing is claimed; say it again.
        """
        others = [other for other in await self._whose.accounts_of(lookup) if other != account]
        at = rfc3339(self._clock.now_ms())
        told = learned(lookup, account, event_id=self._new_id(), recordedtime=at)
        await self._append([told, *(_tombstone(lookup, other) for other in others)])
        self._accounts.note(lookup, account)
        for other in others:
            self._accounts.forget(lookup, other)

    async def delete(self, lookup: str) -> Sequence[str]:
        """Have a lookup belong to nobody; return whose it was. Raises as `put`."""
        accounts = await self._whose.accounts_of(lookup)
        await self._append([_tombstone(lookup, account) for account in accounts])
        for account in accounts:
            self._accounts.forget(lookup, account)
        return accounts

    async def _append(self, records: Sequence[Written]) -> None:
        try:
            async with asyncio.timeout(self._answer_seconds_max):
                await self._log.append(records)
        except TimeoutError:
            raise TransientError(f"no acknowledgement within {self._answer_seconds_max:g} s") from None


def make_desks(
    *,
    acceptor: Acceptor,
    pseudonyms: Pseudonyms,
    intake: Intake,
    event_log: EventLog,
    accounts: Accounts,
    identity_table: IdentityTable,
    erasure_table: ErasureTable,
    clock: Clock,
    new_id: Callable[[], str],
    answer_seconds_max: float,
) -> tuple[ErasureDesk, IdentityDesk]:
    """Return who answers what is asked for by hand."""
    whose = Whose(identity_table, accounts)
    erasures = ErasureDesk(
        acceptor=acceptor,
        pseudonyms=pseudonyms,
        intake=intake,
        whose=whose,
        table=erasure_table,
        clock=clock,
        new_id=new_id,
    )
    identities = IdentityDesk(
        event_log=event_log,
        accounts=accounts,
        whose=whose,
        clock=clock,
        new_id=new_id,
        answer_seconds_max=answer_seconds_max,
    )
    return erasures, identities


def _request(draft: Draft) -> Asked:
    return Asked(request_id_of(draft.account, draft.source, draft.id), draft.account)


def _tombstone(lookup: str, account: str) -> Written:
    return Written(IDENTITIES_TOPIC, identity_key(lookup, account), None)
