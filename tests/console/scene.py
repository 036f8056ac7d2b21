"""A small book like the drawings', told as events: what screenshots and browser tests look at."""

from typing import Any, Final, NamedTuple

from msgspec import Raw
from truenorth.codec import encode, encode_json, rfc3339
from truenorth.events.health import Band
from truenorth.events.identity import EventHeld, IdentityLearned
from truenorth.events.inputs import ContactUpdated
from truenorth.events.people import NoteAdded
from truenorth.quarantine import QuarantinedEvent

from tests.console.bench import Console
from tests.console.builders import alert, change, days, entry, finding, milestone, snapshot, task

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 86_400_000
REACHED: Final = (7, "reached", {"start_on": "2026-06-03", "reached_on": "2026-06-12"})


class Told(NamedTuple):
    account: str
    name: str
    phase: str
    band: Band
    score: float | None
    began: float
    delta: float | None
    why: list[tuple[str, bool]]
    finding: tuple[str, str, str] | None
    north: tuple[int, str, dict[str, Any]]
    arr: int
    renews_in: int
    tasks: int


BOOK: Final = (
    Told(
        "halden-freight", "Halden Freight", "growth", "red", 31.2, 72, -22.4,
        [("Usage down 38 %", True), (" on its own baseline; P1 open 9 days", False)],
        ("champion_gone", "champion left", "red"), REACHED, 212, 41, 2,
    ),
    Told(
        "brightwell-labs", "Brightwell Labs", "onboarding", "yellow", 58.1, 69, -4.2,
        [("Day 11 of 14", True), (", 4 of 7 modules in use", False)],
        None, (4, "at_risk", {"days_left": 3, "deadline_on": "2026-11-25", "missing": ["routing", "alerts"]}),
        480, 330, 1,
    ),
    Told(
        "corvid-analytics", "Corvid Analytics", "growth", "yellow", 64.0, 76, -9.0,
        [("Usage green, ", False), ("value red", True), (": CSM says misfit, NPS 4 from the sponsor", False)],
        ("watermelon", "watermelon", "red"), REACHED, 365, 88, 3,
    ),
    Told(
        "juniper-vale", "Juniper & Vale", "growth", "red", 36.0, 69, -31.0,
        [("Card failed twice", True), (", invoice 12 days overdue", False)],
        None, (5, "missed", {}), 18, 150, 1,
    ),
    Told(
        "osprey-health", "Osprey Health", "growth", "unknown", None, 61, None,
        [("Only 38 % of its data is fresh; ", False), ("ticket source silent 2 days", True)],
        ("no_recent_data", "no recent data", "yellow"), (6, "pending", {"days_left": 9}), 96, 210, 0,
    ),
    Told(
        "northgate-schools", "Northgate Schools", "growth", "yellow", 61.0, 54, 3.0,
        [("Recovering: ", False), ("9 people back", True), (" this week after the training run", False)],
        ("single_threaded", "1 active contact", "yellow"), REACHED, 24, 270, 0,
    ),
    Told(
        "larkspur-media", "Larkspur Media", "growth", "green", 82.0, 76, 1.0,
        [("Uses 3 of 8 bought modules: ", False), ("consumption gap 62 %", True)],
        ("consumption_gap", "consumption gap", "yellow"), REACHED, 140, 180, 1,
    ),
    Told(
        "tidewater-robotics", "Tidewater Robotics", "growth", "green", 91.0, 78, 6.0,
        [("Seats 96 % used", True), (", 3 teams joined this month", False)],
        ("expansion", "expansion", "green"), REACHED, 610, 300, 1,
    ),
    Told(
        "marlowe-insurance", "Marlowe Insurance", "growth", "green", 88.0, 86, 0.2,
        [("Steady. Quarterly review due in 12 days", False)], None, REACHED, 175, 240, 0,
    ),
)  # fmt: skip


async def tell(console: Console, now_ms: int) -> None:
    """Publish the whole book, an inbox and Halden Freight's past."""
    for place, one in enumerate(BOOK):
        await _account(console, one, place, now_ms)
    await _past(console, now_ms)
    await _inbox(console, now_ms)


async def _account(console: Console, one: Told, place: int, now_ms: int) -> None:
    have, status, more = one.north
    told = snapshot(
        one.account, now_ms, band=one.band, score=one.score, name=one.name, arr=one.arr * 100_000,
        renews_in=one.renews_in, why=one.why, phase=one.phase, delta_14d=one.delta, attention=200.0 - place,
        milestones=[milestone(have, status, **more)],
        findings=[finding(now_ms, *one.finding)] if one.finding else [],
    )  # fmt: skip
    await console.say(one.account, told)
    history = days(one.account, now_ms, one.began, one.score if one.score is not None else 55)
    await console.say(one.account, *(history[:-4] if one.score is None else history))
    tasks = [
        task(one.account, now_ms - HOUR_MS, task_id=f"task-{one.account}-{n}", title=title.format(one.name))
        for n, title in enumerate(("Call the sponsor at {}", "Close the P1 of {}", "Agree a plan with {}"))
    ]
    await console.say(one.account, *tasks[: one.tasks])


async def tell_intake(console: Console, now_ms: int) -> None:
    """Publish refusals of three causes, and events that wait for two lookups of which one is known by now."""
    wrong = (
        ("data_invalid", "data.count", "Expected `int` >= 1; correct data.count", "events", 9),
        ("type_not_accepted", "type", "'usage.record' is not an event type; did you mean usage.recorded?", "events", 3),
        ("actor_missing", "userId", "a call says who: add userId or anonymousId", "tracking", 2),
    )
    for code, name, message, route, count in wrong:
        for number in range(count):
            original = encode_json({"id": f"e{number}", "type": "usage.recorded", "data": {"feature": "x", "count": 0}})
            said = QuarantinedEvent(
                code, name, message, route, "key-1", rfc3339(now_ms), original.decode(), len(original),
                redacted=True, key_name="billing-backend",
            )  # fmt: skip
            await console.repeat("quarantine", code, encode_json(said))
    at = rfc3339(now_ms)
    for lookup, count in (("stripe:cus_9", 14), ("stripe:cus_8", 2), ("actor:p_0f3c9d", 1)):
        for number in range(count):
            event_id = f"{lookup} {number}"
            held = EventHeld("unknown", [lookup], "invoice.paid", event_id, "stripe", at, at, Raw(b"{}"))
            value = encode(held, event_id=event_id, source="edge", account=lookup, time_ms=now_ms)
            await console.repeat("unresolved", lookup, value)
    known = encode(
        IdentityLearned("stripe:cus_8"), event_id="l", source="edge", account="halden-freight", time_ms=now_ms
    )
    await console.repeat("identities", "stripe:cus_8\nhalden-freight", known)


async def _past(console: Console, now_ms: int) -> None:
    account = "halden-freight"
    await console.say(
        account,
        change(account, now_ms - 30 * DAY_MS, number=1, before="", after="green", score=72.0, score_before=None),
        change(account, now_ms - 4 * DAY_MS, number=2, before="green", after="yellow", score=66.0, score_before=71.0),
        change(account, now_ms - 2 * DAY_MS, number=3, kind="finding", subject="champion_gone", after="open"),
        change(account, now_ms - HOUR_MS, number=4, before="yellow", after="red", score=31.2, score_before=42.0),
    )
    await console.say(account, NoteAdded("dana.reyes", "Ines Koch no longer answers; asked Paul Brandt for a call."))
    await console.say(
        account,
        ContactUpdated(contact_id="c1", account_id=account, name="Paul Brandt", email="p@example.com", role="sponsor"),
        topic="contacts",
    )


async def _inbox(console: Console, now_ms: int) -> None:
    told = (
        ("halden-freight", "Halden Freight turned red: 31", "red", "Red account rescue", 0, HOUR_MS),
        ("brightwell-labs", "Brightwell Labs may miss 7 features", "yellow", "True North at risk", 1, 2 * HOUR_MS),
        ("juniper-vale", "Juniper & Vale turned red: 36", "red", "Red account rescue", 3, 4 * HOUR_MS),
        ("corvid-analytics", "Corvid Analytics uses a lot and is not happy", "yellow", "Watermelon", 2, 9 * HOUR_MS),
        ("tidewater-robotics", "Tidewater Robotics looks ready to expand", "green", "Expansion signal", 7, DAY_MS),
    )
    for account, title, band, playbook, place, age_ms in told:
        raised = alert(
            account, now_ms - age_ms, title=title, band=band, playbook_name=playbook, due_ms=now_ms + 4 * HOUR_MS,
            sentence=snapshot(account, now_ms, why=BOOK[place].why).sentence,
        )  # fmt: skip
        await console.say(account, entry(raised))
    asleep = alert("marlowe-insurance", now_ms - DAY_MS, title="Marlowe Insurance: review due", band="green")
    await console.say("marlowe-insurance", entry(asleep, state="snoozed", revision=2, until_ms=now_ms + 2 * DAY_MS))
