"""What Typeform sends, and what it means."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from truenorth_ingest.domain.vendors.typeform import SCALES, read

from tests.ingest.vendors.recorded import check_private, check_well_formed, recorded, refusal, said


def answered(ref: str, number: float, *, kind: str = "opinion_scale", **properties: Any) -> Any:
    payload = recorded("typeform", "off_the_scale")
    response = payload["form_response"]
    response["definition"]["fields"] = [{"id": "q1", "type": kind, "ref": ref, "properties": properties}]
    response["answers"] = [{"type": "number", "number": number, "field": {"id": "q1", "type": kind, "ref": ref}}]
    return payload


def score(payload: Any) -> tuple[str, float]:
    ((_, fields),) = said(read(payload, {}))
    return fields["kind"], fields["score"]


def test_a_response_with_two_scores() -> None:
    told = read(recorded("typeform", "nps_and_csat"), {})
    check_well_formed(told)
    who = {"role": "admin", "respondent": "u-77"}
    assert said(told) == [
        ("survey.answered", {"kind": "nps", "score": 9.0, **who}),
        ("survey.answered", {"kind": "csat", "score": 4.0, **who}),
    ]
    assert {(one.account, one.time) for one in told} == {("acct-1042", "2026-11-20T18:17:49Z")}


def test_scores_stand_on_their_kind_s_own_scale() -> None:
    scores = [fields for _, fields in said(read(recorded("typeform", "scales"), {}))]
    assert scores == [
        {"kind": "csat", "score": 5.0},
        {"kind": "ces", "score": 1.0},
        {"kind": "nps", "score": 3.0},
        {"kind": "nps", "score": 10.0},
    ]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (answered("csat", 3), ("csat", 3.0)),
        (answered("CSAT_support", 3), ("csat", 3.0)),
        (answered("csat-0-10", 5), ("csat", 3.0)),
        (answered("csat", 1, kind="rating", steps=3), ("csat", 1.0)),
        (answered("csat", 3, kind="rating", steps=3), ("csat", 5.0)),
        (answered("ces", 7, steps=7, start_at_one=True), ("ces", 7.0)),
        (answered("nps", 0, steps=11), ("nps", 0.0)),
    ],
)
def test_what_the_reference_and_the_form_say(payload: Any, expected: tuple[str, float]) -> None:
    assert score(payload) == expected


@given(st.sampled_from(["csat", "ces"]), st.integers(0, 3), st.integers(4, 20), st.data())
def test_a_scale_s_ends_are_ends_and_more_is_never_less(kind: str, low: int, high: int, data: st.DataObject) -> None:
    one, other = sorted(data.draw(st.tuples(st.integers(low, high), st.integers(low, high))))
    asked = [score(answered(f"{kind}_{low}_{high}", number))[1] for number in (low, one, other, high)]
    assert asked == sorted(asked)
    assert (asked[0], asked[-1]) == SCALES[kind]


@pytest.mark.parametrize(
    "payload",
    [
        recorded("typeform", "no_score"),
        answered("stars", 4, kind="rating", steps=5),
        answered("much", 4, steps=11, start_at_one=True),
        {**recorded("typeform", "nobodys"), "event_type": "form_response_partial"},
    ],
)
def test_what_is_known_and_means_nothing(payload: Any) -> None:
    assert read(payload, {}) == []


def test_an_answer_without_an_account_is_its_person_s() -> None:
    (told,) = read(recorded("typeform", "by_person_alone"), {})
    assert (told.account, told.lookups, told.actor) == ("", (), "u-77")


@pytest.mark.parametrize(
    ("payload", "field"),
    [
        (recorded("typeform", "nobodys"), "form_response.hidden.account_id"),
        (recorded("typeform", "off_the_scale"), "form_response.answers[0].number"),
        (answered("nps", 5, steps=10), "form_response.answers[0].field.ref"),
        (answered("csat_9_2", 5), "form_response.answers[0].field.ref"),
    ],
)
def test_what_cannot_be_read_is_named(payload: Any, field: str) -> None:
    assert refusal(read, payload) == ("webhook_invalid", field)


def test_other_events_are_not_known() -> None:
    assert refusal(read, {**recorded("typeform", "no_score"), "event_type": "x"}) == ("webhook_unknown", "event_type")


def test_nothing_of_a_person_and_nothing_written_is_told() -> None:
    check_private(read, "typeform")
