"""What passed between us and an account of the book: who talked to us, what they came for and got, what they say."""

from collections.abc import Iterator
from typing import Final

from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.events.people import EssentialSet, PulseSet, UsageFitSet
from truenorth.samples.book import BookAccount

Dated = tuple[float, PayloadStruct]
"""How many days ago, and what happened."""

_ROLES: Final[tuple[inputs.Role, ...]] = ("champion", "economic_buyer", "sponsor", "admin")
_TARGET_HOURS: Final = 1_000.0


def contact(account: BookAccount, role: inputs.Role) -> str:
    """Return the id of the account's contact in this role."""
    return f"{account.id}-{role}"


def dealings_of(account: BookAccount) -> Iterator[Dated]:
    """Yield engagements, objectives and value, answers, intent and advocacy; nothing from before it signed up."""
    for ago, data in (*_talks(account), *_value(account), *_answers(account)):
        if ago < account.age_days:
            yield ago, data


def said_of(account: BookAccount) -> Iterator[Dated]:
    """Yield what the account's CSM says of it."""
    story, by = account.story, account.owner
    if story.pulse is not None:
        yield 9, PulseSet(by=by, rating=story.pulse, reason="From the last call.")
    if story.fit is not None:
        yield 8, UsageFitSet(by=by, fit=story.fit, reason="They export everything by hand, every day.")
    if story.essential is not None:
        yield 7, EssentialSet(by=by, rating=story.essential, reason="Their month-end runs on it.")


def _talks(account: BookAccount) -> Iterator[Dated]:
    story = account.story
    for place, role in enumerate(_ROLES[: story.contacts]):
        call = inputs.EngagementHeld(kind="call", role=role, contact=contact(account, role))
        left = story.champion_left if role == "champion" else None
        yield story.touch + 7 * place + (left or 0), call
    if story.contacts:
        review = inputs.EngagementHeld(kind="review", role="champion", contact=contact(account, "champion"))
        yield max(35 + (story.champion_left or 0), story.touch), review
    for number in range(story.unanswered):
        yield 3 + 5 * number, inputs.EngagementHeld(kind="email", answered=False, role="champion")
    if story.champion_left is not None:
        yield story.champion_left, inputs.ChampionLeft(contact=contact(account, "champion"))


def _value(account: BookAccount) -> Iterator[Dated]:
    story = account.story
    if story.value is None:
        return
    began = min(170, account.age_days - 1)
    yield began, inputs.ObjectiveSet(objective_id="hours-saved", target=_TARGET_HOURS, unit="hours")
    confirmed = story.confirmed if story.confirmed is not None and story.confirmed < began else None
    got = inputs.ValueRecorded(
        amount=_TARGET_HOURS * story.value,
        unit="hours",
        objective_id="hours-saved",
        by="csm" if confirmed is None else "customer",
    )
    yield min(began - 1, 60) if confirmed is None else confirmed, got
    if story.advocates:
        yield 20, inputs.AdvocacyRecorded(kind="reference")


def _answers(account: BookAccount) -> Iterator[Dated]:
    story = account.story
    champion = contact(account, "champion")
    if story.nps is not None:
        ago = max(12, story.touch, (story.champion_left or 0) + 5)
        yield ago, inputs.SurveyAnswered(kind="nps", score=story.nps, role="champion", respondent=champion)
        if story.contacts > 1:
            buyer = contact(account, "economic_buyer")
            answer = inputs.SurveyAnswered(kind="nps", score=story.nps, role="economic_buyer", respondent=buyer)
            yield ago + 3, answer
    if story.ces is not None:
        role: inputs.Role = "admin" if story.contacts > 1 else "champion"
        answer = inputs.SurveyAnswered(kind="ces", score=story.ces, role=role, respondent=contact(account, role))
        yield max(15, story.touch), answer
    if story.intent is not None:
        yield 18, inputs.RenewalIntent(intent=story.intent)
