"""Reading CSV tables whose cells may be anything: typed cells, each refusal naming column and value."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from truenorth.errors import MissingError


class RowRefusedError(Exception):
    """This row cannot be taken; the message says why, the same words for the same mistake."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its file's short name, its number (from 1, the header not counted), its cells by column."""

    file: str
    number: int
    cells: dict[str, str]

    def text(self, column: str) -> str:
        """Return the cell without spaces around it; empty when it or the column is not there."""
        return (self.cells.get(column) or "").strip()

    def needed(self, column: str) -> str:
        """Return the cell, which must hold something."""
        value = self.text(column)
        if not value:
            raise RowRefusedError(f"no {column}")
        return value

    def flag(self, column: str) -> bool:
        """Return whether the cell says true."""
        return self.text(column).lower() in {"true", "1", "yes"}

    def day(self, column: str) -> date:
        """Return the cell's day, which must be there; a time of day is dropped."""
        return self.moment(column).date()

    def moment(self, column: str) -> datetime:
        """Return the cell's moment without a zone, which must be there; a day alone is its midnight."""
        value = self.needed(column)
        try:
            return datetime.fromisoformat(value).replace(tzinfo=None)
        except ValueError:
            raise RowRefusedError(f"{column} is not a date") from None

    def number_in(self, column: str) -> float | None:
        """Return the cell's number; None when it is empty or no number."""
        value = self.text(column)
        try:
            number = float(value)
        except ValueError:
            return None
        return number if abs(number) < 1e15 else None  # NaN and infinity compare false as well


def read_table(path: Path, name: str) -> Iterator[Row]:
    """Yield the rows of a CSV file.

    Raises:
        MissingError: when the file is not there.
    """
    if not path.is_file():
        raise MissingError(f"{path} is missing; the data set needs it")
    with path.open(encoding="utf-8-sig", newline="") as file:
        for number, cells in enumerate(csv.DictReader(file), start=1):
            yield Row(name, number, {str(column): value for column, value in cells.items() if isinstance(value, str)})
