"""Durations as definitions write them (``30s 15m 6h 14d 2bd``), and business days in a person's own calendar."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from truenorth.clock import from_millis, to_millis
from truenorth.definitions.model import Person

_SPAN: Final = re.compile(r"(\d+)(s|m|h|d|bd)")
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a person works: Monday to Friday from ``begin`` to ``end``, local time of ``zone``."""

    zone: ZoneInfo
    begin: time
    end: time


def calendar_of(person: Person | None) -> Calendar:
    """Return a person's calendar; 09:00-17:00 UTC for nobody."""
    if person is None:
        return Calendar(ZoneInfo("UTC"), time(9), time(17))
    begin, _, end = person.hours.partition("-")
    return Calendar(ZoneInfo(person.zone), time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))


def due_ms(opened_ms: int, span: str, calendar: Calendar) -> int:
    """Return when something opened now is due.

    Seconds to days are added as they are. ``N bd`` ends with the Nth business day after the one that the
    opening counts for: today, or the next business day when work is over or it is the weekend.
    """
    count, unit = _parsed(span)
    if unit != "bd":
        return opened_ms + count * _UNIT_MS[unit]
    local = from_millis(opened_ms).astimezone(calendar.zone)
    day = local.date()
    if day.weekday() >= _SATURDAY or local.time() > calendar.end:
        day = _business_day_after(day)
    for _ in range(count):
        day = _business_day_after(day)
    return to_millis(datetime.combine(day, calendar.end, calendar.zone))


def after_ms(moment_ms: int, span: str) -> int:
    """Return the moment ``span`` later; business days skip weekends in UTC and keep the time of day."""
    count, unit = _parsed(span)
    if unit != "bd":
        return moment_ms + count * _UNIT_MS[unit]
    moment = from_millis(moment_ms)
    day = moment.date()
    for _ in range(count):
        day = _business_day_after(day)
    return to_millis(datetime.combine(day, moment.timetz()))


def _business_day_after(day: date) -> date:
    day += timedelta(days=1)
    while day.weekday() >= _SATURDAY:
        day += timedelta(days=1)
    return day


def _parsed(span: str) -> tuple[int, str]:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"{span!r} is no duration; write 30s, 15m, 6h, 14d or 2bd")
    return int(found[1]), found[2]
