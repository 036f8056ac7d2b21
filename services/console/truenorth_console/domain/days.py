"""An account's score day by day, as one small value that is stored beside the account."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

import msgspec
from truenorth.clock import day_of_date
from truenorth.codec import encode_json
from truenorth.events.health import HealthDay

DAYS_KEPT: Final = 120
"""A sparkline shows 90; the rest leaves room for late points."""


class Day(msgspec.Struct, frozen=True, array_like=True):
    """One day's score; None where nothing was known. Live wins over ``reconstructed``."""

    score: float | None
    reconstructed: bool = False


Days = dict[int, Day]
"""Epoch day -> that day."""

_decoder = msgspec.json.Decoder(dict[str, Day])


def decode_days(value: bytes | None) -> Days:
    """Return stored days; none for None."""
    return {} if value is None else {int(day): point for day, point in _decoder.decode(value).items()}


def encode_days(days: Mapping[int, Day]) -> bytes:
    """Return days as they are stored: the newest `DAYS_KEPT`."""
    oldest = max(days, default=0) - DAYS_KEPT
    return encode_json({str(day): days[day] for day in sorted(days) if day > oldest})


def with_points(days: Mapping[int, Day], points: Iterable[tuple[int, HealthDay]]) -> Days:
    """Return the days with these points in them; the later point of one kind wins."""
    merged = dict(days)
    for number, point in points:
        known = merged.get(number)
        if point.reconstructed and known is not None and not known.reconstructed:
            continue
        score = None if point.score is None else round(point.score, 2)
        merged[number] = Day(score, point.reconstructed)
    return merged


def number_of(point: HealthDay) -> int:
    """Return the epoch day of a point.

    Raises:
        ValueError: ``on`` is not a date.
    """
    return day_of_date(date.fromisoformat(point.on))
