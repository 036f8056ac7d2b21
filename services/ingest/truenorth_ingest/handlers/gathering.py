"""One question under way: what concurrent requests want to know is asked of the table together.

A question costs the database and this process about the same for one lookup and for a hundred.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from truenorth_ingest.ports import AccountMap

LOOKUPS_PER_QUESTION_MAX: Final = 5_000

Told = Mapping[str, Sequence[str]]


class _Question:
    def __init__(self) -> None:
        self.lookups: dict[str, None] = {}
        self.answer: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self.answer.add_done_callback(lambda answer: answer.cancelled() or answer.exception())  # nobody may be left


class GatheredQuestions:
    """See `truenorth_ingest.ports.AccountMap`; in front of the real one."""

    def __init__(self, table: AccountMap) -> None:
        self._table = table
        self._next: _Question | None = None
        self._asking: asyncio.Task[None] | None = None

    async def accounts_of(self, lookups: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """See `truenorth_ingest.ports.AccountMap.accounts_of`."""
        question = self._next
        if question is None or len(question.lookups) + len(lookups) > LOOKUPS_PER_QUESTION_MAX:
            if question is not None and self._asking is not None:  # a full one goes its own way
                return await self._table.accounts_of(lookups)
            question = self._next = _Question()
        question.lookups.update(dict.fromkeys(lookups))
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        told = await asyncio.shield(question.answer)
        return {lookup: told[lookup] for lookup in lookups if lookup in told}

    async def _ask(self) -> None:
        try:
            while self._next is not None:
                question, self._next = self._next, None
                try:
                    question.answer.set_result(await self._table.accounts_of(list(question.lookups)))
                except Exception as error:  # noqa: BLE001 - it is raised where it was asked, and the next may be answered
                    question.answer.set_exception(error)
        finally:
            self._asking = None
