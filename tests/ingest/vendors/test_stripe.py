"""What Stripe sends, and what it means."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth.codec import parse_time
from truenorth_health.domain.facts import merge
from truenorth_health.domain.fold import fold
from truenorth_health.domain.state import dump, new_state
from truenorth_ingest.domain.vendors.stripe import read

from tests.health.builders import event, source_of
from tests.ingest.vendors.recorded import check_private, check_well_formed, recorded, recordings, refusal, said

SUBSCRIPTION = "sub_1MowQVLkdIwHu7ixeRlqHVzs"
INVOICE = "in_1MowQWLkdIwHu7ixuzkSPfKd"
CUSTOMER = ("stripe:cus_Na6dX7aXxi11N4",)
SECOND = 1000


def meaning(name: str) -> list[tuple[str, Any]]:
    told = read(recorded("stripe", name), {})
    check_well_formed(told)
    return said(told)


def subscription(*prices: dict[str, Any], **fields: Any) -> Any:
    """The recorded beginning with other items."""
    payload = recorded("stripe", "subscription_created")
    told = payload["data"]["object"]
    item = told["items"]["data"][0]
    if prices:
        told["items"]["data"] = [
            {
                **item,
                "quantity": price.pop("quantity", 1),
                "price": {
                    **item["price"],
                    "recurring": {**item["price"]["recurring"], **price.pop("recurring", {})},
                    **price,
                },
            }
            for price in deepcopy(prices)
        ]
    told.update(fields)
    return payload


def arr(payload: Any) -> Any:
    return said(read(payload, {}))[0][1].get("arr")


@pytest.mark.parametrize(
    ("name", "event_type", "payload"),
    [
        (
            "subscription_created",
            "subscription.started",
            {"plan": "team_monthly", "seats": 12, "arr": 144_000, "renews_on": "2025-12-26"},
        ),
        (
            "subscription_updated_seats",
            "subscription.changed",
            {"plan": "team_monthly", "seats": 15, "arr": 180_000, "trial": False, "renews_on": "2025-12-26"},
        ),
        ("subscription_paused", "subscription.ended", {"reason": "paused"}),
        (
            "subscription_resumed",
            "subscription.started",
            {"plan": "team_monthly", "seats": 10, "arr": 120_000, "renews_on": "2025-12-26"},
        ),
        (
            "subscription_trial_will_end",
            "subscription.changed",
            {"plan": "team_monthly", "seats": 12, "arr": 144_000, "trial": True, "renews_on": "2025-12-26"},
        ),
        ("subscription_deleted", "subscription.ended", {"reason": "too_expensive"}),
    ],
)
def test_a_subscription(name: str, event_type: str, payload: dict[str, Any]) -> None:
    assert meaning(name) == [(event_type, {"subscription_id": SUBSCRIPTION, **payload})]
    (told,) = read(recorded("stripe", name), {})
    assert (told.account, told.lookups) == ("", CUSTOMER)


@pytest.mark.parametrize(
    ("name", "event_type", "payload"),
    [
        ("invoice_finalized", "invoice.issued", {"amount": 12_000, "due_on": "2025-12-26"}),
        ("invoice_finalized_acacia", "invoice.issued", {"amount": 12_000, "due_on": "2025-12-26"}),
        ("invoice_overdue", "invoice.overdue", {"amount": 10_000, "due_on": "2025-12-26"}),
        ("invoice_payment_failed", "payment.failed", {"amount": 12_000}),
        ("invoice_paid", "invoice.paid", {}),
        ("invoice_voided", "invoice.paid", {}),
        ("invoice_marked_uncollectible", "invoice.paid", {}),
    ],
)
def test_an_invoice(name: str, event_type: str, payload: dict[str, Any]) -> None:
    assert meaning(name) == [(event_type, {"invoice_id": INVOICE, **payload})]


@pytest.mark.parametrize("name", ["invoice_finalized", "invoice_finalized_acacia"])
def test_an_invoice_is_the_account_s_that_its_subscription_names_in_both_shapes(name: str) -> None:
    (told,) = read(recorded("stripe", name), {})
    assert told.account == "acct-1042"


def test_both_shapes_of_a_subscription_mean_the_same() -> None:
    new, old = meaning("subscription_created"), meaning("subscription_created_acacia")
    assert old[0] == new[0]
    assert old[1] == ("account.updated", {"external_ids": {"stripe": "cus_Na6dX7aXxi11N4"}})


def test_a_cancellation_to_come_is_said_as_an_intent() -> None:
    payload = recorded("stripe", "subscription_updated_leaving")
    assert said(read(payload, {}))[1] == ("renewal.intent", {"intent": "leave"})
    payload["data"]["object"].update(cancel_at=None, cancel_at_period_end=False)
    payload["data"]["previous_attributes"] = {"cancel_at_period_end": True}
    assert said(read(payload, {}))[1] == ("renewal.intent", {"intent": "renew"})
    payload["data"]["previous_attributes"] = {"quantity": 3}
    assert [event_type for event_type, _ in said(read(payload, {}))] == ["subscription.changed"]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("incomplete", "active", "subscription.started"),
        ("unpaid", "active", "subscription.started"),
        ("paused", "trialing", "subscription.started"),
        ("active", "past_due", "subscription.changed"),
        ("trialing", "active", "subscription.changed"),
        ("past_due", "unpaid", "subscription.ended"),
        ("past_due", "canceled", "subscription.ended"),
        ("incomplete", "incomplete_expired", "subscription.ended"),
    ],
)
def test_what_a_change_of_status_means(before: str, now: str, expected: str) -> None:
    payload = recorded("stripe", "subscription_updated_seats")
    payload["data"]["object"]["status"] = now
    payload["data"]["previous_attributes"] = {"status": before}
    ((event_type, fields),) = said(read(payload, {}))
    assert event_type == expected
    if expected == "subscription.ended":
        assert fields["reason"] == now


def test_nothing_has_begun_before_the_first_payment() -> None:
    assert read(subscription(status="incomplete"), {}) == []


def test_a_status_that_nobody_knows_is_refused() -> None:
    assert refusal(read, subscription(status="resting")) == ("webhook_invalid", "data.object.status")


@pytest.mark.parametrize(
    ("interval", "count", "yearly"),
    [("day", 1, 365_000), ("week", 2, 26_000), ("month", 3, 4_000), ("year", 1, 1_000), ("year", 3, 333)],
)
def test_arr_is_the_amount_of_a_year(interval: str, count: int, yearly: int) -> None:
    assert arr(subscription({"recurring": {"interval": interval, "interval_count": count}})) == yearly


def test_arr_sums_items_and_leaves_out_what_is_metered() -> None:
    metered = {"recurring": {"usage_type": "metered"}, "quantity": None}
    yearly = {"unit_amount": 9_900, "recurring": {"interval": "year"}, "quantity": 2}
    payload = subscription({"quantity": 3}, yearly, metered)
    assert said(read(payload, {}))[0][1] == {
        "subscription_id": SUBSCRIPTION,
        "plan": "team_monthly",
        "seats": 5,
        "arr": 3 * 12_000 + 2 * 9_900,
        "renews_on": "2025-12-26",
    }


def test_arr_counts_parts_of_a_cent() -> None:
    assert arr(subscription({"unit_amount": None, "unit_amount_decimal": "0.25", "quantity": 1001})) == 3_003


@pytest.mark.parametrize(
    "payload",
    [
        subscription({"unit_amount": None, "unit_amount_decimal": None, "billing_scheme": "tiered"}),
        subscription({"recurring": {"usage_type": "metered"}, "quantity": None}),
        subscription(items={"data": [], "has_more": True}),
    ],
)
def test_an_unknown_worth_is_left_out_and_the_subscription_begins_all_the_same(payload: Any) -> None:
    ((event_type, fields),) = said(read(payload, {}))
    assert event_type == "subscription.changed"
    assert "arr" not in fields
    state = new_state("acme")
    one = event(read(payload, {})[0].payload, parse_time(read(payload, {})[0].time), "e")
    fold(state, source_of(one), one, parse_time(read(payload, {})[0].time))
    assert merge(state, parse_time("2025-12-01T00:00:00Z")).trial is False


def test_metadata_can_say_what_no_price_says() -> None:
    metered = {"recurring": {"usage_type": "metered"}, "quantity": None}
    assert arr(subscription(metered, metadata={"truenorth_arr": "1200000"})) == 1_200_000
    wrong = subscription(metered, metadata={"truenorth_arr": "12,000 USD"})
    assert refusal(read, wrong) == ("webhook_invalid", "data.object.metadata.truenorth_arr")


def test_items_of_the_old_api_have_a_plan_and_no_price() -> None:
    payload = recorded("stripe", "subscription_created")
    del payload["data"]["object"]["items"]["data"][0]["price"]
    assert said(read(payload, {}))[0][1]["arr"] == 144_000
    assert said(read(payload, {}))[0][1]["plan"] == "prod_Na6dGcTsmU0I4R"


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.integers(0, 500), st.sampled_from(["day", "week", "month", "year"])),
        min_size=1,
        max_size=5,
    )
)
def test_arr_is_the_same_however_the_items_are_ordered_and_split(items: list[tuple[int, int, str]]) -> None:
    prices: list[dict[str, Any]] = [
        {"unit_amount": unit, "quantity": n, "recurring": {"interval": every}} for unit, n, every in items
    ]
    whole = arr(subscription(*prices)) or 0
    assert (arr(subscription(*reversed(prices))) or 0) == whole
    periods = {"day": 365, "week": 52, "month": 12, "year": 1}
    assert whole == sum(unit * n * periods[every] for unit, n, every in items)
    split = [part for one in prices for part in ({**one, "quantity": 1}, {**one, "quantity": one["quantity"] - 1})]
    if all(quantity for _, quantity, _ in items):
        assert (arr(subscription(*split)) or 0) == whole


LIFE = [
    "subscription_created",
    "subscription_updated_seats",
    "subscription_trial_will_end",
    "subscription_updated_leaving",
    "subscription_paused",
    "subscription_resumed",
    "invoice_finalized",
    "invoice_payment_failed",
    "invoice_overdue",
    "invoice_paid",
    "subscription_deleted",
]


def _folded(names: list[str]) -> object:
    state = new_state("acme")
    at_ms = parse_time("2026-06-01T00:00:00Z")
    for name in names:
        for told in read(recorded("stripe", name), {}):
            one = event(told.payload, parse_time(told.time), told.id)
            fold(state, source_of(one), one, at_ms)
    return dump(state)


@given(
    st.lists(st.sampled_from(LIFE), unique=True).flatmap(lambda some: st.tuples(st.just(some), st.permutations(some)))
)
def test_any_of_a_customer_s_events_fold_to_the_same_in_any_order(some: tuple[list[str], list[str]]) -> None:
    one, other = some
    assert _folded(one) == _folded(other)


def test_events_of_one_second_are_told_in_the_only_order_they_can_have() -> None:
    times = []
    for name in ("subscription_created", "subscription_updated_seats", "subscription_deleted"):
        payload = recorded("stripe", name)
        payload["created"] = 1_764_200_000
        times.append(parse_time(read(payload, {})[0].time))
    assert times == [1_764_200_000 * SECOND + extra for extra in (0, 1, 2)]


def test_whose_a_dispute_is_is_learned_from_its_charge() -> None:
    charge = ("account.updated", {"external_ids": {"stripe_charge": "ch_3MmlLrLkdIwHu7ix0snN0B15"}})
    assert meaning("charge_succeeded") == meaning("charge_refunded") == [charge]
    (told,) = read(recorded("stripe", "dispute_created"), {})
    assert told.lookups == ("stripe_charge:ch_3MmlLrLkdIwHu7ix0snN0B15",)


def test_a_dispute_is_opened_once_and_closed() -> None:
    dispute = {"dispute_id": "du_1MtJUT2eZvKYlo2CNaw2HvEv", "amount": 12_000}
    assert meaning("dispute_created") == [("payment.disputed", dispute)]
    assert meaning("dispute_updated_inquiry_escalated") == [("payment.disputed", dispute)]
    assert meaning("dispute_closed_lost") == [("payment.disputed", {**dispute, "outcome": "lost"})]
    inquiry = recorded("stripe", "dispute_created")
    inquiry["data"]["object"]["status"] = "warning_needs_response"
    assert read(inquiry, {}) == []
    evidence = recorded("stripe", "dispute_updated_inquiry_escalated")
    evidence["data"]["previous_attributes"] = {"evidence": {}}
    assert read(evidence, {}) == []


def test_a_customer_that_says_which_account_it_is_teaches_it() -> None:
    (told,) = read(recorded("stripe", "customer_updated"), {})
    assert (told.account, told.lookups) == ("acct-1042", ())
    assert said([told]) == [("account.updated", {"external_ids": {"stripe": "cus_Na6dX7aXxi11N4"}})]
    assert read(recorded("stripe", "customer_created"), {}) == []


def test_a_customer_that_stands_in_place_of_its_id_is_read() -> None:
    payload = recorded("stripe", "invoice_paid")
    payload["data"]["object"]["customer"] = recorded("stripe", "customer_updated")["data"]["object"]
    (told,) = read(payload, {})
    assert (told.account, told.lookups) == ("acct-1042", CUSTOMER)


def test_entitlements_are_features() -> None:
    assert meaning("entitlements_updated") == [("account.updated", {"features": ["audit-log", "sso"]})]
    cut = recorded("stripe", "entitlements_updated")
    cut["data"]["object"]["entitlements"]["has_more"] = True
    assert refusal(read, cut) == ("webhook_invalid", "data.object.entitlements.has_more")


@pytest.mark.parametrize(
    "name",
    [
        "invoice_upcoming",
        "invoice_payment_action_required",
        "customer_deleted",
        "schedule_updated",
        "thin_payment_intent_created",
    ],
)
def test_what_is_known_and_means_nothing(name: str) -> None:
    assert read(recorded("stripe", name), {}) == []


def test_an_open_invoice_that_is_moved_is_issued_anew() -> None:
    payload = recorded("stripe", "invoice_finalized")
    payload["type"] = "invoice.updated"
    assert read(payload, {}) == []
    payload["data"]["previous_attributes"] = {"due_date": 1}
    assert said(read(payload, {}))[0][0] == "invoice.issued"


def test_a_thin_event_is_refused_with_what_helps() -> None:
    assert refusal(read, recorded("stripe", "thin_invoice_paid")) == ("webhook_thin", "object")
    other = {**recorded("stripe", "thin_invoice_paid"), "type": "v2.billing.cadence.billed"}
    assert refusal(read, other) == ("webhook_unknown", "type")


def test_what_cannot_be_read_is_named() -> None:
    payload = recorded("stripe", "invoice_paid")
    assert refusal(read, {**payload, "type": "invoice.eaten"}) == ("webhook_unknown", "type")
    assert refusal(read, {**payload, "created": "now"}) == ("webhook_invalid", "created")
    payload["data"]["object"]["amount_due"] = "much"
    assert refusal(read, payload) == ("webhook_invalid", "data.object.amount_due")
    nobodys = recorded("stripe", "invoice_paid")
    nobodys["data"]["object"]["customer"] = None
    assert refusal(read, nobodys) == ("webhook_invalid", "data.object.customer")
    odd = recorded("stripe", "customer_updated")
    odd["data"]["object"]["metadata"]["account_id"] = "a\nb"
    assert refusal(read, odd) == ("webhook_invalid", "data.object.metadata.account_id")
    assert refusal(read, []) == ("webhook_invalid", "")


def test_nothing_of_a_person_is_told() -> None:
    check_private(read, "stripe")
    assert len(recordings("stripe")) >= 25
