"""Reading SDK calls by the rules that are in force now."""

import logging
from collections.abc import Callable

from truenorth.errors import RefusedError

from truenorth_ingest.domain.accepting import Acceptor
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.pseudonyms import Pseudonyms
from truenorth_ingest.domain.tracking.meaning import Meanings
from truenorth_ingest.domain.tracking.reading import CallReader
from truenorth_ingest.domain.tracking.traits import Facts
from truenorth_ingest.handlers.defined import Defined

log = logging.getLogger(__name__)


class CallReaders:
    """Makes a reader of SDK calls anew whenever the definitions change; rules that cannot be read replace none."""

    def __init__(
        self,
        defined: Defined,
        *,
        acceptor: Acceptor,
        pseudonyms: Pseudonyms,
        limits: Limits,
        new_id: Callable[[], str],
    ) -> None:
        self._defined = defined
        self._acceptor = acceptor
        self._pseudonyms = pseudonyms
        self._limits = limits
        self._new_id = new_id
        self._hash = ""
        self._reader = self._made(Meanings(), Facts())

    def current(self) -> CallReader:
        """Return the reader of the rules in force."""
        defined = self._defined
        if defined.hash != self._hash:
            self._hash = defined.hash
            try:
                self._reader = self._made(Meanings(defined.tracking), Facts(defined.traits))
            except RefusedError as refusal:
                log.warning(
                    "tracking rules cannot be read; those before them stay in force",
                    extra={"bundle": defined.hash, "field": refusal.field, "reason": refusal.message},
                )
        return self._reader

    def _made(self, meanings: Meanings, facts: Facts) -> CallReader:
        return CallReader(
            acceptor=self._acceptor,
            pseudonyms=self._pseudonyms,
            limits=self._limits,
            new_id=self._new_id,
            meanings=meanings,
            facts=facts,
        )
