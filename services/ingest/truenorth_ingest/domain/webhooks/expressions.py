"""JMESPath with the few functions that vendors' payloads need: expressions compiled once, evaluated under limits.

| function | gives |
|---|---|
| ``date(x)`` | ``2026-11-22`` of a time: text (RFC 3339, a date) or a number (seconds or milliseconds since 1970) |
| ``time(x)`` | ``2026-11-22T09:05:00.000Z`` of the same |
| ``text(x)`` | text of a number or truth value; text stays as it is |
| ``lower(x)`` | the text in lower case |
| ``minor(x, decimals)`` | ``1250`` of 12.5 or ``"12.50"`` with 2 decimals, rounded half up |
| ``times(x, factor)`` | the product, whole when it is whole |
| ``minutes(from, to)`` | whole minutes between two times, rounded down |
| ``lookup(x, table)`` | what an object has under the text of x |

All of them give null for null, and for what a table does not have, so that ``||`` can say what then.
"""

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal, DecimalException
from functools import lru_cache
from typing import Any, Final

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from truenorth import codec
from truenorth.errors import RefusedError

SECONDS_MAX: Final = 100_000_000_000
"""A larger number is milliseconds: as seconds it would be the year 5138."""
MILLIS_MAX: Final = 253_402_300_799_999
DIGITS_MAX: Final = 30
DECIMALS_MAX: Final = 9
MINUTE_MS: Final = 60_000

Evaluate = Callable[[object], object]


class NotReadableError(ValueError):
    """A function was given what it cannot read; the message says what it wants."""


class _Functions(functions.Functions):
    @functions.signature({"types": []})
    def _func_date(self, value: object) -> str | None:
        return None if value is None else codec.rfc3339(_millis(value))[:10]

    @functions.signature({"types": []})
    def _func_time(self, value: object) -> str | None:
        return None if value is None else codec.rfc3339(_millis(value))

    @functions.signature({"types": []})
    def _func_text(self, value: object) -> str | None:
        return None if value is None else _text(value)

    @functions.signature({"types": []})
    def _func_lower(self, value: object) -> str | None:
        return None if value is None else _text(value).lower()

    @functions.signature({"types": []}, {"types": ["number"]})
    def _func_minor(self, value: object, decimals: float) -> int | None:
        if value is None:
            return None
        if decimals not in range(DECIMALS_MAX + 1):
            raise NotReadableError(f"minor() takes 0 to {DECIMALS_MAX} decimals")
        return int(_number(value).scaleb(int(decimals)).quantize(Decimal(1), ROUND_HALF_UP))

    @functions.signature({"types": []}, {"types": ["number"]})
    def _func_times(self, value: object, factor: float) -> int | float | None:
        if value is None:
            return None
        product = _number(value) * _number(factor)
        return int(product) if product == product.to_integral_value() else float(product)

    @functions.signature({"types": []}, {"types": []})
    def _func_minutes(self, begin: object, end: object) -> int | None:
        if begin is None or end is None:
            return None
        return max(0, (_millis(end) - _millis(begin)) // MINUTE_MS)

    @functions.signature({"types": []}, {"types": ["object"]})
    def _func_lookup(self, value: object, table: dict[str, object]) -> object:
        return None if value is None else table.get(_text(value))


_OPTIONS: Final = jmespath.Options(custom_functions=_Functions())


@lru_cache(maxsize=4096)
def compiled(expression: str) -> Evaluate:
    """Return what evaluates an expression over a value of JSON types.

    What is returned raises ``RefusedError`` with code ``webhook_invalid`` for a value that cannot be evaluated.

    Raises:
        RefusedError: ``expression_invalid``; the message says where it goes wrong.
    """
    try:
        parsed: Any = jmespath.compile(expression)
    except (JMESPathError, RecursionError) as error:
        raise RefusedError("expression_invalid", f"not JMESPath: {_shown(error)}") from None
    unknown = sorted(_called(parsed.parsed) - set(_Functions.FUNCTION_TABLE))
    if unknown:
        known = ", ".join(sorted(_Functions.FUNCTION_TABLE))
        raise RefusedError("expression_invalid", f"there is no function {unknown[0]}(); known are {known}")

    def evaluate(value: object) -> object:
        try:
            return parsed.search(value, options=_OPTIONS)
        except (JMESPathError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
            raise RefusedError("webhook_invalid", _shown(error)) from None

    return evaluate


def is_true(value: object) -> bool:
    """Tell whether JMESPath takes a value for true: all but null, false, and what is empty."""
    return value is not None and value is not False and value not in ("", [], {})


def as_text(value: object) -> str:
    """Return an id as text: text and whole numbers are; nothing for null.

    Raises:
        RefusedError: ``webhook_invalid`` for a list, an object, a fraction or a truth value.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RefusedError("webhook_invalid", f"an id is text or a whole number, not {_kind(value)}")


def as_time(value: object) -> str:
    """Return a time as RFC 3339 text; nothing for null.

    Raises:
        RefusedError: ``webhook_invalid``.
    """
    try:
        return "" if value is None else codec.rfc3339(_millis(value))
    except NotReadableError as error:
        raise RefusedError("webhook_invalid", str(error)) from None


def _called(node: dict[str, Any]) -> set[str]:
    names = {node["value"]} if node["type"] == "function_expression" else set()
    for child in node.get("children", []):
        if isinstance(child, dict):
            names |= _called(child)
    return names


def _millis(value: object) -> int:
    if isinstance(value, str) and not _is_number(value):
        try:
            millis = codec.parse_time(value)
        except RefusedError as error:
            raise NotReadableError(error.message) from None
    else:
        number = _number(value)
        millis = int(number if abs(number) > SECONDS_MAX else number * 1000)
    if not 0 <= millis <= MILLIS_MAX:
        raise NotReadableError("a time lies between 1970 and 9999")
    return millis


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) > len("20261122")


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise NotReadableError(f"a number is needed here, not {_kind(value)}")
    try:
        number = Decimal(str(value).strip())
    except DecimalException:
        raise NotReadableError("a number is needed here, such as 12.50") from None
    if not number.is_finite() or abs(number.adjusted()) > DIGITS_MAX:
        raise NotReadableError("a number has at most 30 digits")
    return number


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise NotReadableError(f"text() takes text, a number or a truth value, not {_kind(value)}")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "a truth value", type(None): "null"}
    return names.get(type(value), "a number")


def _shown(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply to be read"
    return " ".join(str(error).split())[:200]
