"""Typeform's responses: the scores that a form asks for, on their kind's own scale; never a text that was written.

A question says what it measures by its reference (``nps``, ``csat_1_10``), or is of Typeform's own kind for it.
"""

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Annotated, Final, NamedTuple

from msgspec import Meta
from truenorth.events.inputs import SurveyAnswered

from truenorth_ingest.domain.told import Told
from truenorth_ingest.domain.vendors.said import Vendor, among, at_text, invalid, made, parsed, unknown

SCALES: Final = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
ROLES: Final = frozenset({"champion", "sponsor", "economic_buyer", "admin", "end_user"})
ACCOUNT_FIELDS: Final = ("account_id", "account")
PERSON_FIELDS: Final = ("user_id", "respondent", "contact_id")
NPS_STEPS: Final = 11
_REF: Final = re.compile(r"(nps|csat|ces)(?:[_.-](\d{1,2})[_.-](\d{1,2}))?(?:[_.-].*)?", re.ASCII | re.IGNORECASE)


class Properties(Vendor, frozen=True):
    """How a scale is drawn, where Typeform says so."""

    steps: Annotated[int, Meta(ge=2, le=100)] | None = None
    start_at_one: bool = False


class Question(Vendor, frozen=True):
    """A question of the form."""

    id: str
    type: str = ""
    ref: str = ""
    properties: Properties | None = None


class Definition(Vendor, frozen=True):
    """The form as it was answered."""

    fields: list[Question] = []


class Asked(Vendor, frozen=True):
    """The question that an answer belongs to."""

    id: Annotated[str, Meta(pattern=r"^[!-~]{1,64}$")]
    type: str = ""
    ref: str = ""


class Answer(Vendor, frozen=True):
    """An answer; only numbers are read."""

    field: Asked
    type: str = ""
    number: Annotated[float, Meta(ge=-(10**6), le=10**6)] | None = None


class Response(Vendor, frozen=True):
    """A response, with what the link that led to it carried."""

    submitted_at: str
    token: str = ""
    hidden: dict[str, object] | None = None
    definition: Definition | None = None
    answers: list[Answer] | None = None


class Webhook(Vendor, frozen=True):
    """A webhook of Typeform's; ``event_id`` is the same over repeats."""

    event_id: Annotated[str, Meta(pattern=r"^[!-~]{1,128}$")]
    event_type: str
    form_response: Response


class Kind(Vendor, frozen=True):
    """What tells one webhook from another."""

    event_type: str


class Scale(NamedTuple):
    """What is measured, and from which number to which it was asked."""

    kind: str
    low: int
    high: int


def read(payload: object, _headers: Mapping[str, str]) -> Sequence[Told]:
    """Return the survey answers that a webhook of Typeform's means; none when the form measures nothing.

    Raises:
        RefusedError: ``webhook_unknown`` or ``webhook_invalid``, with the field.
    """
    kind = parsed(payload, Kind).event_type
    if kind == "form_response_partial":
        return []
    if kind != "form_response":
        raise unknown("event_type", kind, "send form_response")
    webhook = parsed(payload, Webhook)
    response = webhook.form_response
    questions = {one.id: one for one in (response.definition or Definition()).fields}
    found = []
    for index, answer in enumerate(response.answers or []):
        path = f"form_response.answers[{index}]"
        scale = _scale(answer.field, questions.get(answer.field.id), path)
        if scale is not None and answer.number is not None:
            found.append((answer.field.id, scale.kind, _score(scale, answer.number, f"{path}.number")))
    if not found:
        return []
    return _answered(webhook, found)


def _answered(webhook: Webhook, found: Sequence[tuple[str, str, float]]) -> Sequence[Told]:
    hidden, path = webhook.form_response.hidden, "form_response.hidden"
    account = _first(hidden, ACCOUNT_FIELDS)
    person = _first(hidden, PERSON_FIELDS)
    if not account and not person:
        raise invalid(f"{path}.account_id", "nobody's answer: add the hidden field account_id, and set it in the link")
    role = (hidden or {}).get("role")
    time = at_text(webhook.form_response.submitted_at, "form_response.submitted_at")
    told = []
    for question, kind, score in found:
        payload = made(
            SurveyAnswered, kind=kind, score=score, role=role if role in ROLES else None, respondent=person or None
        )
        event_id = f"{webhook.event_id}:{question}"
        told.append(Told("survey.answered", event_id, payload, time, account, actor=person))
    return told


def _first(hidden: Mapping[str, object] | None, names: Sequence[str]) -> str:
    return next((found for name in names if (found := among(hidden, name, "form_response.hidden"))), "")


def _scale(asked: Asked, question: Question | None, path: str) -> Scale | None:
    """Return what a question measures; None when it measures nothing that we know."""
    properties = (question.properties if question else None) or Properties()
    named = _REF.fullmatch(asked.ref)
    if named is None:
        eleven = asked.type == "opinion_scale" and properties.steps == NPS_STEPS and not properties.start_at_one
        return Scale("nps", 0, 10) if asked.type == "nps" or eleven else None
    kind = named[1].lower()
    low, high = SCALES[kind]
    if named[2]:
        low, high = int(named[2]), int(named[3])
    elif properties.steps is not None:
        low = 1 if asked.type == "rating" or properties.start_at_one else 0
        high = properties.steps - (0 if low else 1)
    if low >= high or (kind == "nps" and (low, high) != SCALES["nps"]):
        right = "nps is asked from 0 to 10" if kind == "nps" else "a scale goes from low to high, as in csat_1_10"
        raise invalid(f"{path}.field.ref", f"{asked.ref[:80]!r} goes from {low} to {high}; {right}")
    return Scale(kind, low, high)


def _score(scale: Scale, number: float, path: str) -> float:
    """Return the answer on its kind's own scale: ends on ends, and evenly between."""
    if not scale.low <= number <= scale.high:
        raise invalid(
            path, f"{number:g} is not from {scale.low} to {scale.high}; name the scale in the reference: csat_1_10"
        )
    low, high = SCALES[scale.kind]
    return float(low + (Fraction(number) - scale.low) * (high - low) / (scale.high - scale.low))
