"""Times as a person says them, in that person's zone, with the exact time for the title."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from truenorth import words
from truenorth.clock import MILLIS_PER_DAY, MILLIS_PER_SECOND, from_millis

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as it is shown (``text``), for the title (``exact``) and for machines (``iso``)."""

    text: str
    exact: str
    iso: str


@dataclass(frozen=True, slots=True)
class Now:
    """The present as one person sees it."""

    ms: int
    zone: tzinfo

    @property
    def today(self) -> date:
        """The person's calendar day."""
        return from_millis(self.ms).astimezone(self.zone).date()

    def local(self, millis: int) -> datetime:
        """Return a moment in the person's zone."""
        return from_millis(millis).astimezone(self.zone)


def zone_of(name: str) -> tzinfo:
    """Return the zone of this IANA name; UTC when there is none such."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def when(millis: int, now: Now) -> Moment:
    """Return ``14:02`` today, ``Mon`` this week, ``18 Nov`` this year, ``18 Nov 2025`` before."""
    local, today = now.local(millis), now.today
    away = (today - local.date()).days
    if away == 0:
        text = f"{local:%H:%M}"
    elif away == 1:
        text = "Yesterday"
    elif 0 < away < 7:
        text = f"{local:%a}"
    else:
        text = day_text(local.date(), today)
    return Moment(text, exact(local), local.isoformat(timespec="seconds"))


def exact(local: datetime) -> str:
    """Return ``Sun 22 Nov 2026, 14:02:33 CET``."""
    return f"{local:%a} {local.day} {local:%b %Y, %H:%M:%S %Z}".rstrip()


def day_text(day: date, today: date) -> str:
    """Return ``18 Nov``, with the year when it is another one."""
    return f"{day.day} {day:%b}" if day.year == today.year else f"{day.day} {day:%b %Y}"


def due(due_ms: int | None, now: Now) -> str:
    """Return ``due in 40 m``, ``due today``, ``due Wed``, ``3 days overdue``; empty for never."""
    if due_ms is None:
        return ""
    if due_ms < now.ms:
        late_ms = now.ms - due_ms
        late = words.hours(late_ms / HOUR_MS) if late_ms < MILLIS_PER_DAY else words.days(late_ms / MILLIS_PER_DAY)
        return f"{late} overdue"
    local, today = now.local(due_ms), now.today
    away = (local.date() - today).days
    if away == 0:
        left = due_ms - now.ms
        return f"due in {words.hours(left / HOUR_MS)}" if left < 6 * HOUR_MS else "due today"
    if away == 1:
        return "due tomorrow"
    return f"due {local:%a}" if away < 7 else f"due {day_text(local.date(), today)}"


def until(until_ms: int | None, now: Now) -> str:
    """Return ``until 14:02``, ``until Mon``, ``until 18 Nov``; empty for no end."""
    if until_ms is None:
        return ""
    local = now.local(until_ms)
    away = (local.date() - now.today).days
    if away <= 0:
        return f"until {local:%H:%M}"
    return f"until {local:%a}" if away < 7 else f"until {day_text(local.date(), now.today)}"


def ago(millis: int, now: Now) -> str:
    """Return ``2 s ago``, ``5 m ago``, ``3 h ago``, ``41 days ago``."""
    seconds = max(0, now.ms - millis) // MILLIS_PER_SECOND
    if seconds < 60:
        return f"{seconds} s ago"
    if seconds < 3600:
        return f"{seconds // 60} m ago"
    if seconds < 86_400:
        return f"{seconds // 3600} h ago"
    return f"{words.days(seconds / 86_400)} ago"


def renewal(renews_on: str | None, today: date) -> tuple[str, bool]:
    """Return how far the renewal is (``41 days``, ``today``, ``3 days ago``), and whether it is near or past."""
    day = parse_date(renews_on)
    if day is None:
        return "", False
    left = (day - today).days
    if left < 0:
        return f"{words.days(left)} ago", True
    return ("today" if left == 0 else words.days(left)), left <= 45


def parse_date(text: object) -> date | None:
    """Return the date of ISO text; None for anything else."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None


def next_morning_ms(now: Now, *, days: int = 1, hour: int = 9) -> int:
    """Return nine o'clock of the person's day ``days`` from now, past Saturday and Sunday."""
    day = now.today + timedelta(days=days)
    while day.weekday() >= 5:
        day += timedelta(days=1)
    local = datetime(day.year, day.month, day.day, hour, tzinfo=now.zone)
    return int(local.timestamp() * MILLIS_PER_SECOND)
