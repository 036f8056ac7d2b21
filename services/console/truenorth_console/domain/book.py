"""The rows of a book: what each column says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from truenorth import words
from truenorth.clock import day_of_date
from truenorth.events.health import Fact, HealthUpdated, MilestoneProgress

from truenorth_console.domain.days import Days
from truenorth_console.domain.people import Names
from truenorth_console.domain.sparkline import Spark, draw
from truenorth_console.domain.wording import parse_date, renewal

Filter = Literal["all", "red", "yellow", "green", "unknown", "renewing", "watermelon", "onboarding"]
FILTERS: Final[tuple[Filter, ...]] = get_args(Filter)
PIPS_MAX: Final = 10
RENEWING_DAYS: Final = 90

_URGENCY: Final = {"at_risk": 0, "pending": 1, "missed": 2, "reached": 3}


@dataclass(frozen=True, slots=True)
class Held:
    """An account as it is stored: its snapshot, its days and its open tasks."""

    snapshot: HealthUpdated
    days: Days
    open_tasks: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many accounts each filter holds, and the yearly revenue (minor units) of some."""

    of: Mapping[Filter, int]
    arr: Mapping[Filter, int]
    scored_ms: int | None

    @property
    def total(self) -> int:
        """All accounts of the book."""
        return self.of["all"]


@dataclass(frozen=True, slots=True)
class Flag:
    """A finding as a small label with its evidence."""

    name: str
    severity: str
    evidence: str


@dataclass(frozen=True, slots=True)
class North:
    """Progress to a milestone: pips that are on and off, and the words beside them."""

    name: str
    on: int
    off: int
    text: str
    status: str


@dataclass(frozen=True, slots=True)
class Delta:
    """A signed change and which way it went: ``up``, ``down`` or ``faint``."""

    text: str
    way: str


@dataclass(frozen=True, slots=True)
class Row:
    """One account in the book. ``mark`` changes when something a person would notice does."""

    account: str
    name: str
    place: str
    owner: str
    band: str
    shown: str
    delta: Delta | None
    spark: Spark | None
    why: list[tuple[str, bool]]
    flags: list[Flag]
    north: North | None
    arr: str
    renewal: str
    renewal_near: bool
    tasks: int
    mark: str


def row(held: Held, names: Names, today: date, *, with_owner: bool) -> Row:
    """Return what a book shows of an account; ``with_owner`` where the book holds several people's."""
    snapshot = held.snapshot
    left, near = renewal(text_fact(snapshot.facts, "renews_on"), today)
    shown = words.shown_or_dash(snapshot.score if snapshot.band != "unknown" else None)
    owner = names.person(text_fact(snapshot.facts, "owner_id") or "")
    return Row(
        account=snapshot.account,
        name=text_fact(snapshot.facts, "name") or snapshot.account,
        place=names.place(snapshot.segment, snapshot.phase),
        owner=(owner or "no owner") if with_owner else "",
        band=snapshot.band,
        shown=shown,
        delta=delta(snapshot.delta_14d),
        spark=draw(held.days, day_of_date(today), cut_red=snapshot.cut_red, cut_yellow=snapshot.cut_yellow),
        why=snapshot.sentence.runs,
        flags=flags(snapshot),
        north=north(snapshot.milestones),
        arr=words.money(money_fact(snapshot.facts, "arr")),
        renewal=left,
        renewal_near=near,
        tasks=held.open_tasks,
        mark=f"{snapshot.band} {shown} {words.plain(snapshot.sentence)}",
    )


def delta(value: float | None) -> Delta | None:
    """Return a change of the score with its sign; None when it is not known."""
    if value is None:
        return None
    text = words.signed(value)
    way = "faint" if text.startswith("±") else "up" if value > 0 else "down"
    return Delta(text, way)


def flags(snapshot: HealthUpdated) -> list[Flag]:
    """Return the open findings, and a milestone at risk, as labels; the worst first."""
    found = [Flag(one.name, one.severity, one.evidence) for one in snapshot.findings]
    if any(one.status == "at_risk" for one in snapshot.milestones):
        found.append(Flag("True North at risk", "yellow", ""))
    order = {"red": 0, "yellow": 1, "green": 2}
    return sorted(found, key=lambda one: order[one.severity])


def north(milestones: list[MilestoneProgress]) -> North | None:
    """Return the milestone that asks for most attention; None when there is none."""
    if not milestones:
        return None
    return north_of(min(milestones, key=lambda one: _URGENCY[one.status]))


def north_of(one: MilestoneProgress) -> North:
    """Return a milestone's pips and words."""
    pips = min(one.need, PIPS_MAX)
    on = min(pips, one.have * pips // max(1, one.need))
    said: str = one.status.replace("_", " ")
    if one.status in {"pending", "at_risk"} and one.days_left is not None:
        said = f"{words.days(one.days_left)} left"
    return North(one.name, on, pips - on, f"{min(one.have, one.need)} of {one.need} · {said}", one.status)


def text_fact(facts: Mapping[str, Fact], name: str) -> str | None:
    """Return a fact that is text."""
    fact = facts.get(name)
    return fact.value if fact is not None and isinstance(fact.value, str) else None


def money_fact(facts: Mapping[str, Fact], name: str) -> int | None:
    """Return a fact that is a whole number: money in minor units, or a count."""
    fact = facts.get(name)
    if fact is None or isinstance(fact.value, bool) or not isinstance(fact.value, int):
        return None
    return fact.value


def renews_on(snapshot: HealthUpdated) -> date | None:
    """Return the renewal date; None when it is not known or not a date."""
    return parse_date(text_fact(snapshot.facts, "renews_on"))


def is_watermelon(snapshot: HealthUpdated) -> bool:
    """Tell whether the finding of this name is open."""
    return any(one.id == "watermelon" for one in snapshot.findings)
