"""An uploaded file: what is known of it, and what its rows mean."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec
from truenorth.clock import date_of_day, day_of
from truenorth.codec import parse_time
from truenorth.errors import RefusedError
from truenorth.events.people import HistoryLoaded
from truenorth.ids import derived_id

from truenorth_ingest.domain.accepting import Acceptor, Sender
from truenorth_ingest.domain.columns import Kind, account_json, check_header, event_json
from truenorth_ingest.domain.drafts import Draft
from truenorth_ingest.domain.facts import account_id_of, event_id_of, read_facts
from truenorth_ingest.domain.limits import Limits
from truenorth_ingest.domain.reading import id_of
from truenorth_ingest.domain.rows import CsvRows, NdjsonRows, Row, RowReader
from truenorth_ingest.domain.times import Times

Format = Literal["csv", "ndjson"]
State = Literal["receiving", "waiting", "running", "done", "failed", "cancelled"]

OPEN_STATES: Final = frozenset({"receiving", "waiting", "running"})
_BESIDE_FACTS: Final = ("account_id", "id", "time")


class Upload(msgspec.Struct, frozen=True):
    """One upload. Times are epoch milliseconds; ``bytes`` is its inflated size.

    ``position`` is the last line whose row is accepted or refused for good: where the work goes on after a crash.
    """

    upload_id: str
    key_id: str
    source: str
    kind: Kind
    format: Format
    backfill: bool
    created: int
    state: State = "receiving"
    problem: str = ""
    bytes: int = 0
    position: int = 0
    accepted: int = 0
    refused: int = 0
    finished: int | None = None

    @property
    def sender(self) -> Sender:
        """Whose key brought it."""
        return Sender(self.key_id, self.source)


class RefusedRow(msgspec.Struct, frozen=True):
    """A row that was not taken: the line it begins on, and why."""

    row: int
    code: str
    field: str
    message: str


def reader_of(form: Format) -> RowReader:
    """Return what cuts a file of this format into rows."""
    return CsvRows() if form == "csv" else NdjsonRows()


class Judge:
    """Says what the rows of one upload mean, the same for the same row however often it is asked."""

    def __init__(self, upload: Upload, *, acceptor: Acceptor, limits: Limits) -> None:
        self._upload = upload
        self._acceptor = acceptor
        self._limits = limits
        self._times = Times(future_ms_max=limits.future_ms_max)
        self._columns: Sequence[str] = ()
        self._earliest: dict[str, int] = {}

    def is_header(self, row: Row) -> bool:
        """Tell whether this row names the columns, and learn them.

        Raises:
            RefusedError: what is wrong with the columns; no row of the file can be read.
        """
        if self._upload.format != "csv" or self._columns:
            return False
        if row.error is not None:
            raise row.error
        check_header(row.cells, kind=self._upload.kind)
        self._columns = row.cells
        return True

    def draft(self, row: Row, index: int) -> Draft:
        """Return what a row means, as the ``index``-th of its batch.

        Raises:
            RefusedError: with code, field and cure.
        """
        if row.error is not None:
            raise row.error
        made = self._facts(row, index) if self._upload.kind == "accounts" else self._event(row, index)
        if not self._upload.backfill:
            return made
        day = day_of(parse_time(made.time))
        self._earliest[made.account] = min(day, self._earliest.get(made.account, day))
        return msgspec.structs.replace(made, backfill=True)

    def histories(self) -> Iterator[Draft]:
        """Return, for each account of a backfill, what says that its past is complete."""
        for index, (account, day) in enumerate(self._earliest.items()):
            yield self._acceptor.drafted(
                HistoryLoaded(from_on=date_of_day(day).isoformat()),
                index=index,
                event_type="history.loaded",
                event_id=derived_id("upload history", self._upload.upload_id, account),
                source=f"key {self._upload.source}",
                account=account,
                time=self._times.now(self._upload.created),
            )

    def _facts(self, row: Row, index: int) -> Draft:
        raw = account_json(self._columns, row.cells) if self._upload.format == "csv" else row.raw
        told = read_facts(raw, beside=_BESIDE_FACTS)
        if not told.account_id:
            raise RefusedError("subject_missing", "account_id says whose facts these are; add it", field="account_id")
        chars_max = self._limits.id_chars_max
        return self._acceptor.drafted(
            told.facts,
            index=index,
            event_type="account.updated",
            event_id=event_id_of(told.id, chars_max=chars_max) if told.id else self._row_id(row),
            source=f"key {self._upload.source}",
            account=account_id_of(told.account_id),
            time=self._times.happened(told.time, self._upload.created),
        )

    def _event(self, row: Row, index: int) -> Draft:
        raw = event_json(self._columns, row.cells) if self._upload.format == "csv" else row.raw
        made = self._acceptor.accept(raw, index, sender=self._upload.sender, now_ms=self._upload.created)
        return made if id_of(raw) else msgspec.structs.replace(made, id=self._row_id(row))

    def _row_id(self, row: Row) -> str:
        """Return the id of a row that names none: a repeat after a crash is the same event."""
        return derived_id("upload", self._upload.upload_id, str(row.number))
