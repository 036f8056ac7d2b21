"""Each row of the outside data set is accepted, repaired or refused, and the sums add up."""

import csv
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from truenorth.client.wire import BATCH_EVENTS_MAX
from truenorth.clock import to_millis
from truenorth.codec import encode_json
from truenorth.errors import MissingError
from truenorth.events import inputs
from truenorth.events.catalogue import TYPE_OF_PAYLOAD
from truenorth.samples.ravenstack import FILES, load

NOW_MS = to_millis(datetime(2026, 11, 22, 15, 0, tzinfo=UTC))
REAL = Path(__file__).parents[3] / "shared" / "data" / "ravenstack"

ACCOUNTS = """\
account_id,account_name,industry,country,signup_date,referral_source,plan_tier,seats,is_trial,churn_flag
A-1,One,EdTech,US,2024-01-10,ads,Basic,9,False,False
A-2,Two,EdTech,US,2024-02-01,ads,Pro,many,False,True
A-3,Three,EdTech,US,not a day,ads,Pro,3,False,True
A-4,Four,EdTech,US,2024-03-01,ads,Pro,3,True,True
A-1,One,EdTech,US,2024-01-10,ads,Basic,9,False,False
"""
SUBSCRIPTIONS = """\
subscription_id,account_id,start_date,end_date,plan_tier,seats,mrr_amount,arr_amount,is_trial,churn_flag
S-1,A-1,2024-02-01,,Basic,9,10,120.5,False,False
S-2,A-2,2024-02-02,2024-01-01,Pro,5,10,120,False,False
S-2,A-2,2024-02-03,,Pro,5,10,120,False,False
S-3,A-9,2024-02-02,,Pro,5,10,120,False,False
S-4,A-4,2024-03-02,2024-06-01,Pro,5,10,x,True,True
"""
USAGE = """\
usage_id,subscription_id,usage_date,feature_name,usage_count,usage_duration_secs,error_count,is_beta_feature
U-1,S-1,2024-03-01,feature_1,9,50,0,False
U-1,S-1,2024-03-01,feature_1,9,50,0,False
U-1,S-1,2024-03-02,feature_2,3,50,0,False
U-2,S-1,2023-12-01,feature_1,1,50,0,False
U-3,S-4,2024-07-01,feature_1,1,50,0,False
U-4,S-1,2024-03-01,feature_1,0,50,0,False
U-5,S-8,2024-03-01,feature_1,2,50,0,False
U-6,S-1,,feature_1,2,50,0,False
"""
TICKETS = """\
ticket_id,account_id,submitted_at,closed_at,resolution_time_hours,priority,first_response_time_minutes,satisfaction_score
T-1,A-1,2024-04-01,2024-04-02 03:00:00,27.0,urgent,74,
T-2,A-1,2024-04-01,2024-03-02 03:00:00,27.0,HIGH,74,9
T-3,A-2,2024-01-01,,27.0,odd,,4.0
T-4,A-1,2024-12-31,2024-12-31 23:00:00,3,low,10,5
"""
CHURN = """\
churn_event_id,account_id,churn_date,reason_code,refund_amount_usd,is_reactivation,feedback_text
C-1,A-1,2024-05-01,pricing,4.03,False,x
C-2,A-2,2024-05-01,support,0.0,False,
C-3,A-2,2024-05-01,budget,0.0,False,
C-4,A-7,2024-05-01,budget,0.0,False,
"""


@pytest.fixture
def messy(tmp_path: Path) -> Path:
    texts = (ACCOUNTS, SUBSCRIPTIONS, USAGE, TICKETS, CHURN)
    for name, text in zip(FILES, texts, strict=True):
        (tmp_path / f"ravenstack_{name}.csv").write_text(text)
    return tmp_path


def test_a_messy_export_is_accounted_for_row_by_row(messy: Path) -> None:
    _, report = load(messy, now_ms=NOW_MS)
    counts = {
        name: tuple(file.count(outcome) for outcome in ("accepted", "repaired", "refused"))
        for name, file in report.files.items()
    }
    assert counts == {
        "accounts": (1, 2, 2),
        "subscriptions": (1, 3, 1),
        "feature_usage": (3, 1, 4),
        "support_tickets": (2, 2, 0),
        "churn_events": (1, 2, 1),
    }
    assert report.file("feature_usage").odd == {
        "used before its subscription started": 1,
        "used after its subscription ended": 1,
    }
    assert report.as_dict()["files"]["feature_usage"]["refusals"] == {
        "the same usage_id and content twice": 1,
        "usage_count is 0: nothing was used": 1,
        "names a subscription that is not there": 1,
        "no usage_date": 1,
    }


def test_dates_move_by_whole_days_so_that_the_last_is_today(messy: Path) -> None:
    events, report = load(messy, now_ms=NOW_MS)
    assert report.shift_days == (datetime(2026, 11, 22) - datetime(2024, 12, 31)).days  # noqa: DTZ001
    assert max(event.time_ms for event in events if isinstance(event.data, inputs.TicketOpened)) == to_millis(
        datetime(2026, 11, 22, tzinfo=UTC)
    )
    assert max(event.time_ms for event in events) == NOW_MS
    assert report.file("support_tickets").odd["later today than now: taken as now"] == 2


def test_events_come_account_by_account_in_time_order_as_backfill_and_histories_last(messy: Path) -> None:
    events, report = load(messy, now_ms=NOW_MS)
    types = [TYPE_OF_PAYLOAD[type(event.data)] for event in events]
    assert types[-3:] == ["history.loaded"] * report.accounts
    past = events[:-3]
    places = [(event.account, event.time_ms) for event in past]
    assert places == sorted(places)
    assert all(event.backfill for event in past)


def test_an_account_ends_churned_exactly_when_its_flag_says_so(messy: Path) -> None:
    events, _ = load(messy, now_ms=NOW_MS)
    kinds = (inputs.AccountChurned, inputs.AccountReactivated)
    last = {event.account: type(event.data).__name__ for event in events if isinstance(event.data, kinds)}
    assert last == {"A-1": "AccountReactivated", "A-2": "AccountChurned", "A-4": "AccountChurned"}


def test_loading_again_posts_the_same_ids(messy: Path) -> None:
    first, _ = load(messy, now_ms=NOW_MS)
    second, _ = load(messy, now_ms=NOW_MS + 60_000)
    assert [event.id for event in first] == [event.id for event in second]
    assert len({event.id for event in first}) == len(first)


def test_money_is_cents_and_priorities_are_ours(messy: Path) -> None:
    events, _ = load(messy, now_ms=NOW_MS)
    started = [event.data.arr for event in events if isinstance(event.data, inputs.SubscriptionStarted)]
    assert 12_050 in started
    priorities = {
        event.data.ticket_id: event.data.priority for event in events if isinstance(event.data, inputs.TicketOpened)
    }
    assert priorities == {"T-1": "p1", "T-2": "p2", "T-3": "p3", "T-4": "p4"}


def test_a_missing_file_is_said(messy: Path) -> None:
    (messy / "ravenstack_accounts.csv").unlink()
    with pytest.raises(MissingError, match=r"ravenstack_accounts\.csv is missing"):
        load(messy, now_ms=NOW_MS)


if REAL.is_dir():  # the outside data set is never in the repository; these run where it lies beside it

    def test_every_row_of_the_real_files_is_accounted_for() -> None:
        _, report = load(REAL, now_ms=NOW_MS)
        for name in FILES:
            with (REAL / f"ravenstack_{name}.csv").open(newline="") as file:
                rows = sum(1 for _ in csv.DictReader(file))
            assert rows == sum(report.file(name).count(outcome) for outcome in ("accepted", "repaired", "refused"))

    def test_the_known_mess_of_the_real_files_is_found() -> None:
        events, report = load(REAL, now_ms=NOW_MS)
        usage = report.file("feature_usage")
        unused = usage.reasons("refused")["usage_count is 0: nothing was used"]
        assert usage.odd["used before its subscription started"] + unused == 19_142
        assert usage.odd["used after its subscription ended"] == 290
        assert usage.count("repaired") == 21
        assert report.file("support_tickets").odd["no satisfaction score"] == 825
        assert report.file("accounts").count("repaired") == 35
        returned = {event.account for event in events if isinstance(event.data, inputs.AccountReactivated)}
        last = {}
        for event in events:
            if isinstance(event.data, inputs.AccountChurned | inputs.AccountReactivated):
                last[event.account] = type(event.data)
        churned = Counter(last.values())
        assert (churned[inputs.AccountChurned], churned[inputs.AccountReactivated]) == (110, 277)
        assert len(returned) >= 277

    def test_real_batches_fit_the_edge() -> None:
        events, _ = load(REAL, now_ms=NOW_MS)
        bodies = (events[start : start + BATCH_EVENTS_MAX] for start in range(0, len(events), BATCH_EVENTS_MAX))
        assert max(len(encode_json([event.cloud_event("x") for event in batch])) for batch in bodies) < 512 * 1024
