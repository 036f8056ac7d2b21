"""One request's events, whatever road they came by: their accounts found, appended, and answered only then."""

import asyncio
import logging
from collections.abc import Callable, Sequence

import msgspec
from truenorth.clock import Clock
from truenorth.codec import rfc3339
from truenorth.errors import RefusedError, TransientError

from truenorth_ingest.domain.accepting import Sender
from truenorth_ingest.domain.ceilings import Ceilings
from truenorth_ingest.domain.drafts import Cut, Draft, Refused, Written, held, learned, sealed
from truenorth_ingest.domain.erasing import CONTACTS_TOPIC
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.lookups import chosen
from truenorth_ingest.domain.quarantining import QUARANTINE_TOPIC, quarantined
from truenorth_ingest.handlers.deadlines import Deadlines
from truenorth_ingest.ports import Accounts, EventLog, Meter

log = logging.getLogger(__name__)


class Rejected(msgspec.Struct, frozen=True):
    """One refused event: its place in the batch, its id if it had one, and why."""

    index: int
    id: str | None
    code: str
    field: str
    message: str


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer to a request whose accepted events are all acknowledged.

    ``unresolved`` of the accepted ones wait until their account is known; nothing has to be done about them.
    """

    success: bool
    accepted: int
    rejected: Sequence[Rejected]
    unresolved: int = 0


class NothingTakenError(RefusedError):
    """Every item of a request was refused, each for its own reason; an answer that said 200 would be a lie.

    ``answer`` names them. A single item gives its own code and field.
    """

    def __init__(self, answer: Answer) -> None:
        first = answer.rejected[0]
        alone = len(answer.rejected) == 1
        super().__init__(
            "nothing_taken",
            first.message if alone else f"all {len(answer.rejected)} were refused; the first: {first.message}",
            field=first.field,
        )
        self.answer = answer


def some_of(answer: Answer) -> Answer:
    """Return an answer that something was taken, or that there was nothing.

    Raises:
        NothingTakenError: all of it was refused.
    """
    if answer.rejected and not answer.accepted:
        raise NothingTakenError(answer)
    return answer


class Intake:
    """Takes what requests brought in."""

    def __init__(
        self,
        *,
        event_log: EventLog,
        accounts: Accounts,
        ceilings: Ceilings,
        limits: Limits,
        clock: Clock,
        meter: Meter,
        new_id: Callable[[], str],
        pseudonym_of: Callable[[str], str],
        answer_seconds_max: float,
    ) -> None:
        self._log = event_log
        self._accounts = accounts
        self._ceilings = ceilings
        self._limits = limits
        self._clock = clock
        self._meter = meter
        self._new_id = new_id
        self._pseudonym_of = pseudonym_of
        self._answers = Deadlines(answer_seconds_max)

    async def take(self, cut: Cut, sender: Sender, *, route: str, now_ms: int) -> Answer:
        """Return the answer, after the broker has acknowledged every event that it counts as accepted.

        Raises:
            RefusedError: ``account_over_ceiling``; nothing was taken, the sender repeats the request later.
            TransientError: not acknowledged in time; nothing is claimed, the sender repeats the request.
        """
        if cut.repaired:
            self._meter.repaired()
        at = rfc3339(now_ms)
        settled = [(draft, draft.account) for draft in cut.drafts if draft.account]
        records = [sealed(draft, account, at) for draft, account in settled if draft.type]
        waiting_items = 0
        if len(settled) < len(cut.drafts):
            waiting_items = await self._resolved(
                [draft for draft in cut.drafts if not draft.account], settled, records, at
            )
        news = self._news(settled)
        records += [learned(*pair, event_id=self._new_id(), recordedtime=at) for pair in news]
        records += [Written(CONTACTS_TOPIC, draft.forgets.encode(), None) for draft in cut.drafts if draft.forgets]
        spent = [account for draft, account in settled if draft.type and not draft.key]  # a contact's key is its own
        self._ceilings.admit(spent, self._clock.monotonic())
        await self._append(records, self._bad(cut.refused, sender, route, now_ms))
        for pair in news:
            self._accounts.note(*pair)
        accepted = cut.items - len(cut.refused)
        self._meter.accepted(accepted)
        return Answer(True, accepted, self._told(cut.refused), waiting_items)

    async def _resolved(
        self, waiting: Sequence[Draft], settled: list[tuple[Draft, str]], records: list[Written], at: str
    ) -> int:
        """Settle or hold the drafts whose account has to be looked up; return how many items are held.

        What the same request teaches counts at once: people send ``group`` and ``track`` together.
        """
        taught: dict[str, list[str]] = {}
        for draft, account in settled:
            for lookup in draft.learns:
                taught.setdefault(lookup, []).append(account)
        known = dict(await self._accounts.find({lookup for draft in waiting for lookup in draft.lookups}))
        for lookup, accounts in taught.items():
            before = known.get(lookup, ())
            if before is not None:  # nobody could be asked: it may belong to another account as well
                known[lookup] = tuple(dict.fromkeys((*before, *accounts)))
        items = set()
        for draft in waiting:
            account, reason = chosen(draft.lookups, known)
            if reason is None:
                settled.append((draft, account))
                if draft.type:
                    records.append(sealed(draft, account, at))
            elif draft.type:
                records.append(held(draft, reason, event_id=self._new_id(), recordedtime=at))
                items.add(draft.index)
                self._meter.unresolved(reason)
        return len(items)

    def _news(self, settled: Sequence[tuple[Draft, str]]) -> list[tuple[str, str]]:
        """Return the pairs of lookup and account that this request teaches and nobody here knew."""
        pairs = {(lookup, account): None for draft, account in settled for lookup in draft.learns}
        return [pair for pair in pairs if self._accounts.is_news(*pair)]

    def _told(self, refused: Sequence[Refused]) -> list[Rejected]:
        return [Rejected(bad.index, bad.id, bad.error.code, bad.error.field, bad.error.message) for bad in refused]

    def _bad(self, refused: Sequence[Refused], sender: Sender, route: str, now_ms: int) -> list[Written]:
        found = []
        for bad in refused:
            self._meter.refused(bad.error.code)
            value = quarantined(
                bad.raw,
                bad.error,
                route=route,
                sender=sender,
                now_ms=now_ms,
                original_bytes_max=self._limits.original_bytes_max,
                pseudonym_of=self._pseudonym_of,
            )
            found.append(Written(QUARANTINE_TOPIC, None, value))
        return found

    async def _append(self, records: Sequence[Written], bad: Sequence[Written]) -> None:
        if not bad:
            await self._acknowledged(records)
            return
        keeping = asyncio.ensure_future(self._keep(bad))
        try:
            await self._acknowledged(records)
        finally:
            await keeping

    async def _acknowledged(self, records: Sequence[Written]) -> None:
        if not records:
            return
        try:
            with self._answers.within():
                await self._log.append(records)
        except TimeoutError:
            raise TransientError(f"no acknowledgement within {self._answers.seconds_max:g} s") from None

    async def _keep(self, bad: Sequence[Written]) -> None:
        """Write quarantine records; the sender is told of the refusals whether or not this works."""
        try:
            await self._acknowledged(bad)
        except TransientError as error:
            self._meter.quarantine_failed(len(bad))
            log.warning("refused events were not quarantined", extra={"events": len(bad), "reason": str(error)})
