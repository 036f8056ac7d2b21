"""A file, cut into rows as its bytes arrive; a broken row is one refusal and costs no other.

A row's number is the line of the file on which it begins, from 1, as an editor shows it.
"""

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from truenorth.errors import RefusedError

ROW_BYTES_MAX: Final = 64 * 1024
ROW_LINES_MAX: Final = 100
"""Quotes that do not close within so many lines count as never closed."""
DELIMITERS: Final = (",", ";", "\t")
_BOM: Final = b"\xef\xbb\xbf"
_WIDE_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on and the line it ends on, its bytes, and its cells or what is wrong with it.

    ``cells`` is empty for a line of NDJSON, whose bytes are the event.
    """

    number: int
    last: int
    raw: bytes
    cells: tuple[str, ...] = ()
    error: RefusedError | None = None


class RowReader(Protocol):
    """Cuts what it is fed into rows."""

    def feed(self, content: bytes) -> Iterator[Row]:
        """Return the rows that are whole now.

        Raises:
            RefusedError: ``file_invalid``: it is not a file of this kind at all.
        """
        ...

    def end(self) -> Iterator[Row]:
        """Return what is left when the file has ended."""
        ...


class Lines:
    """Cuts bytes into numbered lines without their ends; of a line that is too long the beginning is kept."""

    def __init__(self) -> None:
        self._rest = b""
        self._number = 0

    def feed(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Return the lines that are whole now."""
        parts = (self._rest + content).split(b"\n")
        self._rest = parts.pop()[: ROW_BYTES_MAX + 2]
        for part in parts:
            yield self._numbered(part)

    def end(self) -> Iterator[tuple[int, bytes]]:
        """Return the last line, when it has no end of its own."""
        if self._rest:
            yield self._numbered(self._rest)
            self._rest = b""

    def _numbered(self, line: bytes) -> tuple[int, bytes]:
        self._number += 1
        if self._number == 1:
            if line.startswith(_WIDE_BOMS):
                raise RefusedError("file_invalid", "the file is UTF-16; save it as UTF-8")
            line = line.removeprefix(_BOM)
        return self._number, line.removesuffix(b"\r")[: ROW_BYTES_MAX + 1]


class NdjsonRows:
    """See `RowReader`: one JSON object per line; empty lines mean nothing."""

    def __init__(self) -> None:
        self._lines = Lines()

    def feed(self, content: bytes) -> Iterator[Row]:
        """See `RowReader.feed`."""
        for number, line in self._lines.feed(content):
            yield from _line(number, line)

    def end(self) -> Iterator[Row]:
        """See `RowReader.end`."""
        for number, line in self._lines.end():
            yield from _line(number, line)


def _line(number: int, line: bytes) -> Iterator[Row]:
    if line.strip():
        yield Row(number, number, line, error=_too_long(line))


class CsvRows:
    """See `RowReader`: RFC 4180 with a header; the delimiter is the one that the header uses.

    The header comes first, as a row like others.
    """

    def __init__(self) -> None:
        self._lines = Lines()
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._delimiter = ""
        self._columns = 0

    def feed(self, content: bytes) -> Iterator[Row]:
        """See `RowReader.feed`."""
        for numbered in self._lines.feed(content):
            self._waiting.append(numbered)
            yield from self._whole(ended=False)

    def end(self) -> Iterator[Row]:
        """See `RowReader.end`."""
        self._waiting.extend(self._lines.end())
        yield from self._whole(ended=True)

    def _whole(self, *, ended: bool) -> Iterator[Row]:
        """Return the rows that the waiting lines hold.

        A row goes on over line ends inside quotes. When its quotes never close, or it then makes no sense, its first
        line alone is refused and the lines after it are read for themselves.
        """
        while self._waiting:
            taken, quotes, size, over = 0, 0, 0, False
            for _, line in self._waiting:
                taken += 1
                quotes += line.count(b'"')
                size += len(line) + 1
                over = size > ROW_BYTES_MAX or taken == ROW_LINES_MAX
                if quotes % 2 == 0 or over:
                    break
            if quotes % 2 and not over and not ended:
                return
            row = self._row([self._waiting[place] for place in range(taken)], closed=quotes % 2 == 0)
            for _ in range(1 if row is not None and row.error is not None else taken):
                self._waiting.popleft()
            if row is not None:
                yield row

    def _row(self, lines: list[tuple[int, bytes]], *, closed: bool) -> Row | None:
        number, first = lines[0]
        raw = b"\n".join(line for _, line in lines)
        if not raw.strip():
            return None
        refused = None if closed else RefusedError("row_invalid", "a quote is opened and never closed; close it")
        if refused is None:
            refused = _too_long(raw)
        cells: tuple[str, ...] = ()
        if refused is None:
            cells, refused = self._cells(raw)
        if refused is not None:
            return Row(number, number, first, error=refused)
        return Row(number, lines[-1][0], raw, cells)

    def _cells(self, raw: bytes) -> tuple[tuple[str, ...], RefusedError | None]:
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            return (), RefusedError("encoding_invalid", f"byte {error.start + 1} is not UTF-8; save the file as UTF-8")
        try:
            cells = self._header(text) if not self._columns else _parsed(text, self._delimiter)
        except csv.Error as error:
            return (), RefusedError("row_invalid", f"not CSV: {error}; double a quote inside a quoted cell")
        if len(cells) != self._columns:
            return (), RefusedError("row_invalid", f"{len(cells)} cells under {self._columns} columns")
        return cells, None

    def _header(self, text: str) -> tuple[str, ...]:
        found: tuple[str, ...] = ()
        for delimiter in DELIMITERS:
            cells = _parsed(text, delimiter)
            if len(cells) > len(found):
                found, self._delimiter = cells, delimiter
        self._columns = len(found)
        return found


def _parsed(text: str, delimiter: str) -> tuple[str, ...]:
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    return tuple(cell.strip() for row in rows for cell in row)


def _too_long(raw: bytes) -> RefusedError | None:
    if len(raw) <= ROW_BYTES_MAX:
        return None
    return RefusedError("event_too_large", f"a row may have {ROW_BYTES_MAX} bytes; send less in it")
