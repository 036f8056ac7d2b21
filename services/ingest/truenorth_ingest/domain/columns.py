"""What the columns of a CSV file mean, and its rows as the JSON that is sent elsewhere."""

import difflib
import typing
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal, DecimalException
from typing import Any, Final, Literal

import msgspec
from truenorth.errors import RefusedError
from truenorth.events.catalogue import CATALOGUE
from truenorth.events.inputs import AccountUpdated
from truenorth.events.payload import PayloadStruct

from truenorth_ingest.domain.accepting import TYPES_TAKEN
from truenorth_ingest.domain.cures import type_refusal

Kind = Literal["accounts", "events"]

LIST_MARK: Final = "|"
MAJOR: Final = "_major"
COLUMNS_MAX: Final = 200
_MINOR_PER_MAJOR: Final = 100
_BESIDE_FACTS: Final = ("account_id", "id", "time")
_BESIDE_DATA: Final = ("type", "subject", "id", "source", "time", "traceparent")
_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def _plain_types(payload: type[PayloadStruct]) -> dict[str, Any]:
    """Return field -> its type without None."""
    found = {}
    for name, hint in typing.get_type_hints(payload).items():
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        optional = type(None) in typing.get_args(hint)
        found[name] = inner[0] if optional and len(inner) == 1 else hint
    return found


_TYPES: Final = {name: _plain_types(CATALOGUE[name]) for name in TYPES_TAKEN}
_FACTS: Final = _plain_types(AccountUpdated)
_DATA_FIELDS: Final = frozenset(field for fields in _TYPES.values() for field in fields)


def check_header(columns: Sequence[str], *, kind: Kind) -> None:
    """Check the columns of a file.

    Raises:
        RefusedError: ``column_unknown`` with the one that was meant, ``column_missing``, ``column_twice``.
    """
    if len(columns) > COLUMNS_MAX:
        raise RefusedError("column_unknown", f"{len(columns)} columns; a file has at most {COLUMNS_MAX}")
    needed = ("account_id",) if kind == "accounts" else ("type", "subject")
    known = _fact_columns() if kind == "accounts" else [*_BESIDE_DATA, *(f"data.{name}" for name in _DATA_FIELDS)]
    for column in columns:
        head, dot, rest = column.partition(".")
        fields = _FACTS if kind == "accounts" else {}
        if column not in known and not (dot and rest and _is_map(fields.get(head))) and not _is_data_map(column):
            raise _unknown_column(column, known)
        if columns.count(column) > 1:
            raise RefusedError("column_twice", f"two columns are named {column!r}; keep one", field=column)
    for column in needed:
        if column not in columns:
            raise RefusedError(
                "column_missing",
                f"the first row names the columns, and none is {column}; add it"
                f" (the file begins with {','.join(columns)[:60]!r})",
                field=column,
            )


def account_json(columns: Sequence[str], cells: Sequence[str]) -> bytes:
    """Return a row of accounts as the JSON object that NDJSON would have; empty cells say nothing.

    Raises:
        RefusedError: ``data_invalid``, naming the column.
    """
    said: dict[str, object] = {}
    for column, cell in zip(columns, cells, strict=True):
        if not cell:
            continue
        if column in _BESIDE_FACTS:
            said[column] = cell
        elif column.endswith(MAJOR) and column not in _FACTS:
            _put(said, column.removesuffix(MAJOR), _minor_units(column, cell), column)
        else:
            _put_typed(said, column, cell, _FACTS, column)
    return msgspec.json.encode(said)


def event_json(columns: Sequence[str], cells: Sequence[str]) -> bytes:
    """Return a row of events as a CloudEvent in JSON.

    Raises:
        RefusedError: ``type_not_accepted``, or ``data_invalid`` naming the column.
    """
    row = {column: cell for column, cell in zip(columns, cells, strict=True) if cell}
    event_type = row.get("type", "")
    if not event_type:
        raise RefusedError("type_missing", "type says what happened, such as usage.recorded; add it", field="type")
    fields = _TYPES.get(event_type)
    if fields is None:
        raise type_refusal(event_type, TYPES_TAKEN)
    outside: dict[str, object] = {}
    data: dict[str, object] = {}
    for column, cell in row.items():
        name = column.removeprefix("data.")
        if column in _BESIDE_DATA:
            outside[column] = cell
        elif name.partition(".")[0] not in fields:
            near = difflib.get_close_matches(name, fields, n=1)
            cure = f"did you mean data.{near[0]}?" if near else f"its data are {', '.join(sorted(fields))}"
            raise RefusedError("data_invalid", f"{event_type} has no {name!r}; {cure}", field=column)
        else:
            _put_typed(data, name, cell, fields, column)
    return msgspec.json.encode(outside | {"data": data})


def _put_typed(said: dict[str, object], name: str, cell: str, types: Mapping[str, Any], column: str) -> None:
    head, dot, rest = name.partition(".")
    kind = types[head]
    if dot:
        inner = said.setdefault(head, {})
        assert isinstance(inner, dict)  # noqa: S101 - only maps have dotted columns, as the header was checked
        inner[rest] = cell
    else:
        _put(said, name, _typed(cell, kind, column), column)


def _put(said: dict[str, object], name: str, value: object, column: str) -> None:
    if name in said:
        raise RefusedError("data_invalid", f"{name} is told twice; keep one of its columns", field=column)
    said[name] = value


def _typed(cell: str, kind: Any, column: str) -> object:
    """Return a cell as the type of its field."""
    if kind is bool:
        if cell.lower() in _TRUE | _FALSE:
            return cell.lower() in _TRUE
        raise RefusedError("data_invalid", f"{cell[:40]!r} is neither true nor false", field=column)
    if kind in {int, float}:
        try:
            return kind(cell) if "_" not in cell else kind("")
        except ValueError:
            said = "a whole number" if kind is int else "a number"
            raise RefusedError(
                "data_invalid", f"{cell[:40]!r} is not {said}; write digits alone, such as 1200", field=column
            ) from None
    if typing.get_origin(kind) is list:
        return [part.strip() for part in cell.split(LIST_MARK) if part.strip()]
    if _is_map(kind):
        raise RefusedError("data_invalid", f"name the column {column}.<system>, such as {column}.stripe", field=column)
    return cell


def _minor_units(column: str, cell: str) -> int:
    """Return decimal major units (``1234.50``) as minor units, exactly."""
    try:
        minor = Decimal(cell) * _MINOR_PER_MAJOR
        if minor.is_finite() and minor == minor.to_integral_value() and abs(minor) < 10**18:
            return int(minor)
    except DecimalException:  # no number, or one beyond all bounds
        pass
    raise RefusedError(
        "data_invalid", f"{cell[:40]!r} is not an amount with at most two decimals, such as 12000.50", field=column
    )


def _is_map(kind: Any) -> bool:
    return typing.get_origin(kind) is dict


def _is_data_map(column: str) -> bool:
    head, dot, rest = column.removeprefix("data.").partition(".")
    return bool(column.startswith("data.") and dot and rest) and any(_is_map(t.get(head)) for t in _TYPES.values())


def _fact_columns() -> list[str]:
    return [*_BESIDE_FACTS, *_FACTS, f"arr{MAJOR}", f"potential_arr{MAJOR}"]


def _unknown_column(column: str, known: Collection[str]) -> RefusedError:
    near = difflib.get_close_matches(column.lower(), known, n=1)
    cure = f"did you mean {near[0]}?" if near else f"columns are {', '.join(sorted(known))}"
    return RefusedError("column_unknown", f"column {column[:80]!r} means nothing here; {cure}", field=column[:80])
