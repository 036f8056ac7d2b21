"""What the edge refused: its causes, and one refusal whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from truenorth.clock import MILLIS_PER_DAY

from truenorth_console.domain.wording import Moment, Now, when

REFUSALS_MAX: Final = 50_000
"""So many of the newest are kept, for at most `REFUSALS_KEPT_MS`."""
REFUSALS_KEPT_MS: Final = 30 * MILLIS_PER_DAY
HOURS_SHOWN: Final = 24
ALIKE_MAX: Final = 20
_BAR_PX: Final = 4
_HEIGHT_PX: Final = 24


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refused event as it is kept: see `truenorth.quarantine`. ``recorded_ms`` is the broker's clock."""

    partition: int
    offset: int
    code: str
    route: str
    field: str
    key_id: str
    key_name: str
    message: str
    original: str
    recorded_ms: int
    original_bytes: int
    truncated: bool
    redacted: bool

    @property
    def place(self) -> str:
        """Where it lies on the topic, as `truenorth quarantine` takes it."""
        return f"{self.partition}:{self.offset}"

    @property
    def key(self) -> str:
        """The key or connector that it came with."""
        return self.key_name or self.key_id


@dataclass(frozen=True, slots=True)
class Alike:
    """Refusals with one cause: how many, the newest of them, and how many in each of the last hours (0 is now)."""

    newest: Refusal
    events: int
    hours: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Bars:
    """A small histogram: x, y and height of each bar, one per hour, the newest at the right."""

    width: int
    height: int
    bars: list[tuple[int, float, float]]
    label: str


@dataclass(frozen=True, slots=True)
class RefusalLine:
    """One cause on the page."""

    key: str
    mark: str
    href: str
    message: str
    what: str
    route: str
    sender: str
    events: int
    last: Moment
    bars: Bars


@dataclass(frozen=True, slots=True)
class RefusalPage:
    """All that the page of one refusal says. ``command`` is empty for what cannot be taken after all."""

    place: str
    message: str
    code: str
    facts: list[tuple[str, str]]
    at: Moment
    original: str
    notes: list[str]
    command: str
    alike: list[tuple[str, Moment]]


def refusal_line(one: Alike, now: Now) -> RefusalLine:
    """Return the line of a cause: what would be right comes first."""
    newest = one.newest
    key = f"{newest.code} {newest.route} {newest.field} {newest.key_id}"
    return RefusalLine(
        key=key,
        mark=str(one.events),
        href=href(newest),
        message=newest.message or newest.code,
        what=what(newest),
        route=newest.route,
        sender=newest.key or "none",
        events=one.events,
        last=when(newest.recorded_ms, now),
        bars=bars(one.hours),
    )


def href(refusal: Refusal) -> str:
    """Return the address of a refusal's page."""
    return f"/intake/refusals/{refusal.place}"


def what(refusal: Refusal) -> str:
    """Return the code, and the field it is about when there is one."""
    return f"{refusal.code} in {refusal.field}" if refusal.field else refusal.code


def bars(hours: Mapping[int, int]) -> Bars:
    """Return the last `HOURS_SHOWN` hours as bars; every hour with a refusal has a bar that can be seen."""
    most = max((hours.get(ago_h, 0) for ago_h in range(HOURS_SHOWN)), default=0)
    drawn = []
    for ago_h, count in sorted(hours.items(), reverse=True):
        if count and 0 <= ago_h < HOURS_SHOWN:
            tall = round(max(2.0, count / most * _HEIGHT_PX), 1)
            drawn.append(((HOURS_SHOWN - 1 - ago_h) * _BAR_PX, round(_HEIGHT_PX - tall, 1), tall))
    total = sum(count for ago_h, count in hours.items() if 0 <= ago_h < HOURS_SHOWN)
    label = f"{total} in the last {HOURS_SHOWN} hours" + (f", at most {most} in one" if total else "")
    return Bars(HOURS_SHOWN * _BAR_PX, _HEIGHT_PX, drawn, label)


def refusal_page(refusal: Refusal, alike: Sequence[Refusal], now: Now) -> RefusalPage:
    """Return what the page of one refusal says; ``alike`` are the newest others of its cause."""
    facts = [("Code", refusal.code), ("Field", refusal.field), ("Road", refusal.route), ("Key", refusal.key)]
    return RefusalPage(
        place=refusal.place,
        message=refusal.message or refusal.code,
        code=refusal.code,
        facts=[(name, value) for name, value in facts if value],
        at=when(refusal.recorded_ms, now),
        original=pretty(refusal.original),
        notes=list(_notes(refusal)),
        command="" if refusal.truncated else f"truenorth quarantine replay {refusal.place}",
        alike=[(other.place, when(other.recorded_ms, now)) for other in alike if other.place != refusal.place],
    )


def _notes(refusal: Refusal) -> Iterator[str]:
    if not refusal.original:
        yield "Nothing of it is kept: it may be a request to forget somebody."
        return
    if refusal.redacted:
        yield "Without the people in it: ids are pseudonyms, and texts that nobody needs are told by their length."
    if refusal.truncated:
        size = f"{refusal.original_bytes:,} bytes"
        yield f"It is not whole, so it cannot be taken after all: its sender has to send it again. It had {size}."


def pretty(original: str) -> str:
    """Return JSON with line breaks, and any other text as it is."""
    try:
        return msgspec.json.format(original.encode(), indent=2).decode()
    except msgspec.DecodeError:
        return original
