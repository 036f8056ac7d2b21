"""What the pages say, made from what the topics said."""

from datetime import UTC, date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from truenorth.clock import day_of_date
from truenorth.definitions.model import Definitions, Person, Phase, Segment
from truenorth.errors import RefusedError
from truenorth.events.health import Child, HealthDay, RolledUp
from truenorth.events.people import AlertSnoozed, NoteAdded, TaskDone
from truenorth_console.domain import account, book, inbox, timeline
from truenorth_console.domain.days import Day, decode_days, encode_days, number_of, with_points
from truenorth_console.domain.people import Names, book_of, team_of
from truenorth_console.domain.sparkline import draw
from truenorth_console.domain.timeline import Past
from truenorth_console.domain.wording import Now, due, next_morning_ms, renewal, until, when
from truenorth_console.settings import Settings, require_loopback

from tests.console.builders import alert, change, entry, finding, milestone, snapshot, task

NOW_MS = 1_795_348_920_000  # Sunday 22 November 2026, 12:02 UTC
NOW = Now(NOW_MS, UTC)
TODAY = date(2026, 11, 22)
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
DANA = Person(id="dana.reyes", name="Dana Reyes", email="d@example.com", manager="ingrid")
TOMAS = Person(id="tomas", name="Tomas", email="t@example.com", manager="ingrid")
INGRID = Person(id="ingrid", name="Ingrid", email="i@example.com", role="manager")
NAMES = Names.of(
    Definitions(
        people=[DANA, TOMAS, INGRID],
        segments=[Segment(id="mid-market", name="Mid-market")],
        phases=[Phase(id="growth", name="Growth")],
    )
)


def row(**more: Any) -> book.Row:
    held = book.Held(snapshot("acc", NOW_MS, **more), {}, 2)
    return book.row(held, NAMES, TODAY, with_owner=False)


def test_a_row_says_what_each_column_needs() -> None:
    shown = row(delta_14d=-22.4, findings=[finding(0, "champion_gone", "champion left", "red", "left 6 days ago")])
    assert (shown.name, shown.place, shown.shown, shown.band) == ("Halden Freight", "Mid-market · Growth", "31", "red")
    assert shown.delta == book.Delta("−22", "down")
    assert (shown.arr, shown.renewal, shown.renewal_near, shown.tasks) == ("$212k", "41 days", True, 2)
    assert shown.flags == [book.Flag("champion left", "red", "left 6 days ago")]
    assert shown.owner == ""


def test_unknown_is_a_dash_and_never_a_number() -> None:
    assert row(band="unknown", score=None).shown == "–"
    assert row(band="unknown", score=55.0).shown == "–"


def test_a_book_of_several_people_names_the_owner() -> None:
    held = book.Held(snapshot("acc", NOW_MS, owner=""), {}, 0)
    assert book.row(held, NAMES, TODAY, with_owner=True).owner == "no owner"


def test_the_milestone_that_asks_for_most_attention_is_shown() -> None:
    shown = row(milestones=[milestone(7, "reached"), milestone(4, "at_risk", days_left=3)])
    assert shown.north == book.North("7 features in 14 days", 4, 3, "4 of 7 · 3 days left", "at_risk")
    assert [flag.name for flag in shown.flags] == ["True North at risk"]
    missed = row(milestones=[milestone(5, "missed")])
    assert missed.north is not None
    assert missed.north.text == "5 of 7 · missed"


def test_pips_never_outgrow_their_column() -> None:
    progress = milestone(45, "pending", days_left=2)
    shown = book.north_of(type(progress)(**{**_fields(progress), "need": 90}))
    assert (shown.on, shown.off, shown.text) == (5, 5, "45 of 90 · 2 days left")


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}


def page_of(**more: Any) -> account.Page:
    held = book.Held(snapshot("acc", NOW_MS, **more), {}, 0)
    return account.page(held, tasks=[], contacts=[], past=[], names=NAMES, now=NOW)


def test_what_the_children_give_is_a_part_of_their_parents_page() -> None:
    children = [Child("labs", 62.0, "yellow", 12.4), Child("books", None, "unknown")]
    parts = page_of(score=74.4, dimensions=[], rolled_up=RolledUp("arr_weighted", children, 80.0)).parts
    assert [(part.name, part.weight, part.gives, part.change) for part in parts] == [
        ("Children", "weighted by ARR", "12.4", None)
    ]
    assert parts[0].measures == [
        account.MeasureLine("labs", "62 yellow", "12.4"),
        account.MeasureLine("books", "– unknown", "0.0"),
    ]


def test_children_that_count_in_nothing_are_not_on_the_page() -> None:
    alone = RolledUp("own", [Child("labs", 62.0, "yellow")], 80.0)
    assert page_of(dimensions=[], rolled_up=alone).parts == page_of(dimensions=[]).parts == []


def test_a_curve_goes_down_when_the_score_does_and_carries_the_cuts_inside_it() -> None:
    today = day_of_date(TODAY)
    days = {today - 89 + n: Day(72 - n * 0.46) for n in range(90)}
    spark = draw(days, today, cut_red=40, cut_yellow=70)
    assert spark is not None
    assert len(spark.lines) == 1
    assert spark.lines[0].startswith("0.0,")
    assert spark.end[0] == 109.0
    assert [cut.band for cut in spark.cuts] == ["red", "yellow"]
    assert spark.cuts[0].y > spark.cuts[1].y
    assert spark.label == "score over 90 days, from 72 to 31"


def test_a_hole_in_the_data_is_a_hole_in_the_curve() -> None:
    today = day_of_date(TODAY)
    days = {today - n: Day(50.0) for n in (0, 1, 2, 20, 21, 22)} | {today - 10: Day(None)}
    spark = draw(days, today, cut_red=40, cut_yellow=70)
    assert spark is not None
    assert len(spark.lines) == 2


def test_no_score_draws_nothing_and_noise_is_not_stretched() -> None:
    today = day_of_date(TODAY)
    assert draw({today: Day(None)}, today, cut_red=40, cut_yellow=70) is None
    spark = draw({today - n: Day(88.0 + n % 2) for n in range(90)}, today, cut_red=40, cut_yellow=70)
    assert spark is not None
    heights = [float(point.split(",")[1]) for point in spark.lines[0].split()]
    assert max(heights) - min(heights) < 2


def test_every_point_lies_inside_the_picture() -> None:
    today = day_of_date(TODAY)
    for scores in ([0.0, 100.0], [0.0, 1.0], [99.0, 100.0]):
        spark = draw({today - n: Day(scores[n % 2]) for n in range(90)}, today, cut_red=40, cut_yellow=70)
        assert spark is not None
        for point in spark.lines[0].split():
            x, y = (float(part) for part in point.split(","))
            assert 0 <= x <= spark.width
            assert 0 <= y <= spark.height


def test_live_days_win_over_reconstructed_ones() -> None:
    live = HealthDay("acc", "2026-11-20", "green", 81.0)
    rebuilt = HealthDay("acc", "2026-11-20", "red", 12.0, reconstructed=True)
    number = number_of(live)
    for order in ([live, rebuilt], [rebuilt, live]):
        days = with_points({}, [(number, point) for point in order])
        assert days == {number: Day(81.0)}
    assert decode_days(encode_days(days)) == days


def test_only_the_newest_days_are_kept() -> None:
    days = {n: Day(1.0) for n in range(1000)}
    assert min(decode_days(encode_days(days))) == 880


@pytest.mark.parametrize(
    ("hours_ago", "said"),
    [(0, "12:02"), (11, "01:02"), (20, "Yesterday"), (60, "Fri"), (24 * 10, "12 Nov"), (24 * 400, "18 Oct 2025")],
)
def test_times_are_said_as_people_say_them(hours_ago: int, said: str) -> None:
    assert when(NOW_MS - hours_ago * HOUR_MS, NOW).text == said


def test_times_are_in_the_zone_of_who_looks_with_the_exact_time_beside() -> None:
    shown = when(NOW_MS, Now(NOW_MS, ZoneInfo("America/New_York")))
    assert shown.text == "07:02"
    assert shown.exact == "Sun 22 Nov 2026, 07:02:00 EST"


def test_due_until_and_renewal_in_words() -> None:
    assert due(None, NOW) == ""
    assert due(NOW_MS + 2 * HOUR_MS, NOW).startswith("due in 2")
    assert due(NOW_MS + 10 * HOUR_MS, NOW) == "due today"
    assert due(NOW_MS + 20 * HOUR_MS, NOW) == "due tomorrow"
    assert due(NOW_MS + 3 * DAY_MS, NOW) == "due Wed"
    assert due(NOW_MS - 3 * DAY_MS, NOW) == "3 days overdue"
    assert until(NOW_MS + HOUR_MS, NOW) == "until 13:02"
    assert until(NOW_MS + DAY_MS, NOW) == "until Mon"
    assert renewal("2026-11-22", TODAY) == ("today", True)
    assert renewal("2026-11-20", TODAY) == ("2 days ago", True)
    assert renewal("2027-09-01", TODAY) == ("9 months", False)
    assert renewal("soon", TODAY) == ("", False)


def test_a_snooze_ends_on_the_next_working_morning() -> None:
    friday = Now(NOW_MS - 2 * DAY_MS, ZoneInfo("Europe/Berlin"))
    assert friday.local(next_morning_ms(friday)).strftime("%a %H:%M") == "Mon 09:00"


def test_an_inbox_line_offers_what_still_does_something() -> None:
    raised = alert("acc", NOW_MS)
    line = inbox.line(entry(raised), NAMES, NOW, viewer="dana.reyes")
    assert line.acts == ("acknowledge", "snooze", "done", "not_useful")
    assert line.notes[0] == "Red account rescue"
    taken = inbox.line(
        entry(raised, state="acknowledged", by="tomas", changed_ms=NOW_MS), NAMES, NOW, viewer="dana.reyes"
    )
    assert taken.acts == ("snooze", "done", "not_useful")
    assert taken.notes[-1] == "acknowledged by Tomas, 12:02"
    over = inbox.line(entry(raised, state="resolved", not_useful=True), NAMES, NOW, viewer="dana.reyes")
    assert over.acts == ()


def test_an_empty_inbox_says_what_sleeps() -> None:
    counts = inbox.TabCounts(0, 0, 0, 3, 0, next_wake_ms=NOW_MS + DAY_MS)
    assert inbox.empty("mine", counts, NOW) == "No alerts. 3 snoozed until Mon."
    assert inbox.empty("mine", inbox.TabCounts(0, 0, 0, 0, 0), NOW) == "No alerts."
    assert inbox.heading(inbox.TabCounts(7, 5, 0, 3, 0)) == "5 open · 2 acknowledged · 3 snoozed"


def test_managers_see_their_reports_and_what_nobody_owns() -> None:
    assert book_of(DANA, NAMES.people) == ["dana.reyes"]
    assert book_of(INGRID, NAMES.people) == ["ingrid", "dana.reyes", "tomas", ""]
    assert team_of(DANA, NAMES.people) == ["tomas"]
    assert team_of(INGRID, NAMES.people) == ["dana.reyes", "tomas"]


def test_an_account_page_explains_every_part() -> None:
    held = book.Held(snapshot("acc", NOW_MS, delta_14d=-22.0), {}, 0)
    page = account.page(held, tasks=[task("acc", NOW_MS)], contacts=[], past=[], names=NAMES, now=NOW)
    usage, support, billing, sentiment = page.parts
    assert (usage.filled, usage.was, usage.gives, usage.band) == (30.0, 59.0, "13.5", "red")
    assert usage.change == book.Delta("−13.1", "down")
    assert support.measures[0].gives == "0.0 of 15"
    assert billing.change == book.Delta("±0.0", "faint")
    assert (sentiment.gives, sentiment.band, sentiment.was) == ("–", "unknown", None)
    assert page.help[0] == ("closing the P1", True)
    assert [line.title for line in page.tasks] == ["Call the sponsor at Halden Freight"]
    assert [one.role for one in page.contacts if one.missing] == ["champion", "sponsor", "economic buyer"]
    assert page.commercials == ["$212k ARR", "renews in 41 days", "60 seats"]


def test_a_timeline_is_newest_first_and_says_who_did_what() -> None:
    past = [
        Past(NOW_MS - DAY_MS, 1, change("acc", NOW_MS - DAY_MS)),
        Past(NOW_MS, 0, NoteAdded("dana.reyes", "Called them")),
        Past(NOW_MS - HOUR_MS, 0, AlertSnoozed("dana.reyes", "a", NOW_MS + DAY_MS)),
        Past(NOW_MS - 2 * HOUR_MS, 0, TaskDone("dana.reyes", "t")),
    ]
    entries = timeline.timeline(past, NAMES, NOW)
    said = ["".join(text for text, _ in one.runs) for one in entries]
    assert said == ["Called them", "Dana Reyes snoozed the alert until Mon", "Turned red: 31, was 42"]
    assert entries[0].detail == "note by Dana Reyes"
    assert entries[2].dot == "red"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4", "console.example", ""])
def test_only_loopback_is_served_until_there_is_authentication(host: str) -> None:
    with pytest.raises(RefusedError, match="no authentication yet"):
        require_loopback(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.0.0.2"])
def test_loopback_is_served(host: str) -> None:
    require_loopback(host)


def test_settings_name_the_address_they_refuse() -> None:
    env = {"DATABASE_URL": "postgresql://u@127.0.0.1/x", "TRUENORTH_HOST": "0.0.0.0"}
    with pytest.raises(RefusedError) as refused:
        Settings.from_env(env)
    assert refused.value.field == "TRUENORTH_HOST"


def test_a_finding_is_called_what_the_snapshot_calls_it() -> None:
    for subject, name in (("misfit", "usage does not fit"), ("consumption_gap", "consumption gap")):
        opened = change("acc", NOW_MS, kind="finding", subject=subject, before="clear", after="open")
        [said] = timeline.timeline([Past(NOW_MS, 0, opened)], NAMES, NOW)
        assert said.runs == [("Finding opened: ", False), (name, True)]
