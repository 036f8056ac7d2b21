"""An account's page: the score card, what each part gives, milestones, findings, contacts, commercials, tasks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from truenorth import words
from truenorth.clock import day_of_date
from truenorth.events.health import DimensionResult, HealthUpdated, MilestoneProgress
from truenorth.events.inputs import ContactUpdated
from truenorth.events.work import TaskUpdated

from truenorth_console.domain.book import Delta, Flag, Held, North, delta, flags, money_fact, north_of, text_fact
from truenorth_console.domain.people import Names
from truenorth_console.domain.sparkline import Spark, draw
from truenorth_console.domain.timeline import PULSE, Entry, Past, timeline
from truenorth_console.domain.wording import Now, day_text, due, parse_date, renewal, until

_ROLES: Final = ("champion", "sponsor", "economic_buyer")
_ROLL_UP: Final = {
    "mean": "mean of scores",
    "arr_weighted": "weighted by ARR",
    "worst": "worst counts",
    "share_poor": "share that is not red",
}


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure: what it is, its value in words, what it gives of what it could."""

    name: str
    display: str
    gives: str


@dataclass(frozen=True, slots=True)
class Part:
    """One dimension: a bar filled to ``filled`` % of what it could give, a tick at ``was`` % two weeks ago."""

    name: str
    weight: str
    band: str
    filled: float
    was: float | None
    gives: str
    change: Delta | None
    label: str
    measures: list[MeasureLine]


@dataclass(frozen=True, slots=True)
class NorthCard:
    """A milestone with the sentence beside its pips."""

    north: North
    says: str


@dataclass(frozen=True, slots=True)
class TaskLine:
    """An open task."""

    task: str
    title: str
    detail: str
    late: bool


@dataclass(frozen=True, slots=True)
class ContactLine:
    """Somebody at the account, or a role that nobody has (``missing``)."""

    name: str
    role: str
    missing: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Everything an account's page shows."""

    account: str
    name: str
    place: str
    owner: str
    band: str
    shown: str
    delta: Delta | None
    beside: list[str]
    churned: bool
    spark: Spark | None
    why: list[tuple[str, bool]]
    parts: list[Part]
    help: list[tuple[str, bool]]
    norths: list[NorthCard]
    flags: list[Flag]
    contacts: list[ContactLine]
    commercials: list[str]
    tasks: list[TaskLine]
    timeline: list[Entry]
    computed_ms: int
    mark: str


def page(
    held: Held,
    *,
    tasks: Sequence[TaskUpdated],
    contacts: Sequence[ContactUpdated],
    past: Sequence[Past],
    names: Names,
    now: Now,
) -> Page:
    """Return the page of an account."""
    snapshot = held.snapshot
    known = snapshot.band != "unknown"
    open_tasks = [task for task in tasks if task.status in {"open", "overdue"}]
    return Page(
        account=snapshot.account,
        name=text_fact(snapshot.facts, "name") or snapshot.account,
        place=names.place(snapshot.segment, snapshot.phase),
        owner=names.person(text_fact(snapshot.facts, "owner_id") or "") or "no owner",
        band=snapshot.band,
        shown=words.shown_or_dash(snapshot.score if known else None),
        delta=delta(snapshot.delta_14d),
        beside=_beside(snapshot),
        churned=snapshot.churned,
        spark=draw(
            held.days,
            day_of_date(now.today),
            cut_red=snapshot.cut_red,
            cut_yellow=snapshot.cut_yellow,
            width=260,
            height=48,
        ),
        why=snapshot.sentence.runs,
        parts=[*(_part(one, snapshot) for one in snapshot.dimensions), *_children(snapshot)],
        help=_help(snapshot.help),
        norths=[NorthCard(north_of(one), _north_says(one, now)) for one in snapshot.milestones],
        flags=flags(snapshot),
        contacts=_contacts(contacts),
        commercials=_commercials(snapshot, now),
        tasks=[_task(one, names, now) for one in sorted(open_tasks, key=lambda task: task.due_ms or task.opened_ms)],
        timeline=timeline(past, names, now),
        computed_ms=snapshot.computed_ms,
        mark=f"{snapshot.band} {words.shown_or_dash(snapshot.score)}",
    )


def _beside(snapshot: HealthUpdated) -> list[str]:
    said = [f"{words.percent(snapshot.coverage * 100)} of its data is fresh"]
    said.append(f"scorecard {snapshot.scorecard}, version {snapshot.scorecard_version[:6]}")
    if snapshot.pulse is not None:
        said.append(f"pulse {snapshot.pulse}, {PULSE.get(snapshot.pulse, '')}")
    if snapshot.override is not None:
        computed = words.shown_or_dash(snapshot.computed_score)
        said.append(f"set to {snapshot.override}; computed {computed}")
    return said


def _part(one: DimensionResult, snapshot: HealthUpdated) -> Part:
    full = one.of or 1.0
    change = None
    if one.was is not None:
        moved = one.contribution - one.was
        text = words.points(moved)
        way = "faint" if abs(moved) < 0.05 else "up" if moved > 0 else "down"
        change = Delta("±0.0" if way == "faint" else f"+{text}" if moved > 0 else text, way)
    gives = "–" if one.score is None else words.points(one.contribution)
    return Part(
        name=one.name,
        weight=f"weight {one.weight:g}",
        band=_band(one.score, snapshot),
        filled=_percent(one.contribution / full) if one.of else 0.0,
        was=_percent(one.was / full) if one.was is not None and one.of else None,
        gives=gives,
        change=change,
        label=f"{one.name}: {gives} of {_most(one.of)}" if one.of else f"{one.name}: no data",
        measures=[
            MeasureLine(
                measure.name,
                measure.display or "no data",
                "not counted"
                if measure.score is None
                else f"{words.points(measure.contribution)} of {_most(measure.of)}",
            )
            for measure in one.measures
        ],
    )


def _children(snapshot: HealthUpdated) -> list[Part]:
    """Return what the children give to a parent's score as its last part; nothing where none counts."""
    rolled_up = snapshot.rolled_up
    if rolled_up is None or rolled_up.how == "own" or not rolled_up.children or snapshot.score is None:
        return []
    given = sum(child.contribution for child in rolled_up.children)
    of = max(given, 100.0 - sum(one.of for one in snapshot.dimensions))
    share = given / of if of else 0.0
    return [
        Part(
            name="Children",
            weight=_ROLL_UP[rolled_up.how],
            band=_band(share * 100, snapshot),
            filled=_percent(share),
            was=None,
            gives=words.points(given),
            change=None,
            label=f"Children: {words.points(given)} of {_most(of)}",
            measures=[
                MeasureLine(
                    child.account, f"{words.shown_or_dash(child.score)} {child.band}", words.points(child.contribution)
                )
                for child in rolled_up.children
            ],
        )
    ]


def _most(of: float) -> str:
    return words.points(of).removesuffix(".0")


def _help(text: str) -> list[tuple[str, bool]]:
    """Return what would help most with the thing to do in bold."""
    what, gives, rest = text.partition(" gives back")
    return [(what, True), (gives + rest, False)] if text else []


def _percent(share: float) -> float:
    return round(min(1.0, max(0.0, share)) * 100, 1)


def _band(score: float | None, snapshot: HealthUpdated) -> str:
    if score is None:
        return "unknown"
    if score < snapshot.cut_red:
        return "red"
    return "yellow" if score < snapshot.cut_yellow else "green"


def _north_says(one: MilestoneProgress, now: Now) -> str:
    reached, start, deadline = parse_date(one.reached_on), parse_date(one.start_on), parse_date(one.deadline_on)
    if one.status == "reached":
        if reached is None:
            return "reached"
        took = "" if start is None else f" in {words.days((reached - start).days)}"
        return f"reached{took}, {day_text(reached, now.today)}"
    lacks = f"; missing {', '.join(one.missing[:4])}" if one.missing else ""
    if one.status == "missed":
        return f"missed{'' if deadline is None else f' on {day_text(deadline, now.today)}'}{lacks}"
    return f"due {day_text(deadline, now.today)}{lacks}" if deadline is not None else f"not started{lacks}"


def _contacts(contacts: Sequence[ContactUpdated]) -> list[ContactLine]:
    lines = [
        ContactLine(one.name or one.email or "no name", (one.role or "contact").replace("_", " "), missing=False)
        for one in sorted(contacts, key=lambda one: (_ROLES.index(one.role) if one.role in _ROLES else 9, one.name))
    ]
    held = {one.role for one in contacts}
    return lines + [ContactLine("unknown", role.replace("_", " "), missing=True) for role in _ROLES if role not in held]


def _commercials(snapshot: HealthUpdated, now: Now) -> list[str]:
    facts = snapshot.facts
    said: list[str] = []
    arr = money_fact(facts, "arr")
    if arr is not None:
        said.append(f"{words.money(arr)} ARR")
    day = parse_date(text_fact(facts, "renews_on"))
    if day is not None:
        left, _ = renewal(day.isoformat(), now.today)
        verb = "renewed" if day < now.today else "renews"
        said.append(f"{verb} {left if left == 'today' or day < now.today else f'in {left}'}")
    seats = money_fact(facts, "seats")
    if seats is not None:
        said.append(words.plural(seats, "seat"))
    plan = text_fact(facts, "plan")
    if plan:
        said.append(f"plan {plan}")
    return said


def _task(task: TaskUpdated, names: Names, now: Now) -> TaskLine:
    late = task.due_ms is not None and task.due_ms < now.ms
    parts = [task.playbook_name, names.person(task.owner_id), due(task.due_ms, now)]
    if task.snoozed_until_ms is not None and task.snoozed_until_ms > now.ms:
        parts.append(f"put off {until(task.snoozed_until_ms, now)}")
    return TaskLine(task.task_id, task.title, " · ".join(part for part in parts if part), late)
