from dataclasses import replace

from truenorth_notify.domain.deliveries import (
    NEWS_AGE_MAX_MS,
    Outcome,
    Verdict,
    address_now,
    judge,
    plan,
    plan_resolved,
    silence_of,
)
from truenorth_notify.domain.retry import RETRY_AFTER_MAX_S, SCHEDULE_S, next_attempt_ms
from truenorth_notify.domain.routing import Target

from tests.notify.builders import HOOK, NOW_MS, alert, definitions

MAIL = Target("email", "ana", address="ana@truenorth.example")
HOOKED = Target("webhook", "crm", address=HOOK.url)


def test_a_decision_older_than_a_day_when_it_is_read_tells_nobody() -> None:
    fresh = alert(decided_ms=NOW_MS - NEWS_AGE_MAX_MS)
    assert silence_of(fresh, backfill=False, now_ms=NOW_MS) == ""
    assert silence_of(fresh, backfill=False, now_ms=NOW_MS + 1) == "old_news"
    assert silence_of(fresh, backfill=True, now_ms=NOW_MS) == "backfill"
    silent = plan(fresh, Target("inapp", "ana"), silence="old_news", now_ms=NOW_MS)
    assert (silent.status, silent.reason, silent.next_attempt_ms) == ("not_sent", "old_news", None)


def test_a_delivery_is_due_at_once_and_the_feed_needs_no_attempt() -> None:
    mail = plan(alert(), MAIL, silence="", now_ms=NOW_MS)
    assert (mail.status, mail.attempts, mail.next_attempt_ms) == ("pending", 0, NOW_MS)
    shown = plan(alert(), Target("inapp", "ana"), silence="", now_ms=NOW_MS)
    assert (shown.status, shown.attempts, shown.next_attempt_ms) == ("delivered", 1, None)
    refused = plan(alert(), Target("email", "ana", refusal="no_address"), silence="", now_ms=NOW_MS)
    assert (refused.status, refused.reason) == ("not_sent", "no_address")


def test_the_same_alert_channel_and_recipient_always_have_the_same_delivery_id() -> None:
    first = plan(alert(), MAIL, silence="", now_ms=NOW_MS).delivery_id
    assert plan(alert(title="other"), MAIL, silence="old_news", now_ms=NOW_MS + 5).delivery_id == first
    others = {
        plan(alert(), HOOKED, silence="", now_ms=NOW_MS).delivery_id,
        plan(alert(), replace(MAIL, recipient="mo"), silence="", now_ms=NOW_MS).delivery_id,
        plan(alert(alert_id="alert-2"), MAIL, silence="", now_ms=NOW_MS).delivery_id,
    }
    assert len(others | {first}) == 4


def test_only_a_webhook_that_was_told_of_the_alert_is_told_that_it_is_over() -> None:
    told = replace(plan(alert(), HOOKED, silence="", now_ms=NOW_MS), status="delivered")
    over = plan_resolved(told, now_ms=NOW_MS)
    assert over is not None
    assert (over.about, over.status, over.next_attempt_ms) == ("resolved", "pending", NOW_MS)
    assert over.delivery_id != told.delivery_id
    assert plan_resolved(over, now_ms=NOW_MS) is None
    for status in ("pending", "failed", "not_sent"):
        assert plan_resolved(replace(told, status=status), now_ms=NOW_MS) is None
    assert plan_resolved(replace(told, channel="email"), now_ms=NOW_MS) is None


def test_tries_follow_the_schedule_until_they_are_used_up() -> None:
    waits = [
        next_attempt_ms(attempts=attempts, failed_ms=0, schedule_s=SCHEDULE_S)
        for attempts in range(1, len(SCHEDULE_S) + 1)
    ]
    assert waits == [*(wait_s * 1000 for wait_s in SCHEDULE_S[1:]), None]
    assert next_attempt_ms(attempts=99, failed_ms=0) is None


def test_a_receiver_can_ask_for_more_patience_but_not_for_more_than_a_day() -> None:
    assert next_attempt_ms(attempts=1, failed_ms=0, retry_after_s=1) == 5_000
    assert next_attempt_ms(attempts=1, failed_ms=0, retry_after_s=60) == 60_000
    assert next_attempt_ms(attempts=1, failed_ms=0, retry_after_s=1e12) == RETRY_AFTER_MAX_S * 1000


def test_an_outcome_decides_the_status() -> None:
    assert judge(Outcome("delivered"), attempts=3, ended_ms=7) == Verdict("delivered", "", 3, None)
    assert judge(Outcome("refused", "no such box"), attempts=1, ended_ms=7) == Verdict("failed", "no such box", 1, None)
    assert judge(Outcome("retry", "busy"), attempts=1, ended_ms=7) == Verdict("pending", "busy", 1, 5_007)
    assert judge(Outcome("retry", "busy"), attempts=10, ended_ms=7) == Verdict("failed", "busy", 10, None)


def test_a_delivery_goes_where_the_definitions_of_today_say() -> None:
    mail = plan(alert(), MAIL, silence="", now_ms=NOW_MS)
    hooked = plan(alert(), HOOKED, silence="", now_ms=NOW_MS)
    assert address_now(mail, definitions()) == "ana@truenorth.example"
    assert address_now(hooked, definitions()) == HOOK.url
    assert address_now(mail, definitions(people=[])) == ""
    assert address_now(hooked, definitions(webhooks=[])) == ""
    assert address_now(mail, None) == mail.address
