"""What happens in the first minute of live traffic: each scene crosses a line that a playbook watches."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from truenorth.clock import date_of_day
from truenorth.events import inputs
from truenorth.events.payload import PayloadStruct
from truenorth.samples.book import FEATURES, BookAccount
from truenorth.samples.dealings import contact
from truenorth.samples.owners import OWNERS

_ANSWERING: Final[tuple[inputs.Role, ...]] = ("champion", "economic_buyer")


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens to one account ``after_s`` seconds; ``words`` say it to who watches."""

    after_s: float
    account: str
    words: str
    events: list[PayloadStruct]


@dataclass(frozen=True, slots=True)
class _Stage:
    today: int
    run: str

    def day(self, ago: int) -> str:
        return (date_of_day(self.today) - timedelta(days=ago)).isoformat()

    def unpaid(self, account: str, *, late: int, failures: int) -> list[PayloadStruct]:
        invoice = f"{account}-i{self.run}"
        overdue = inputs.InvoiceOverdue(invoice_id=invoice, amount=480_000, due_on=self.day(late))
        return [overdue, *(inputs.PaymentFailed(invoice_id=invoice, amount=480_000) for _ in range(failures))]

    def tickets(self, account: str, *, urgent: int, other: int) -> list[PayloadStruct]:
        made: list[PayloadStruct] = []
        for number in range(urgent + other):
            ticket = f"{account}-x{self.run}-{number}"
            urgent_now = number < urgent
            made.append(
                inputs.TicketOpened(ticket_id=ticket, priority="p1" if urgent_now else "p2", escalated=urgent_now)
            )
        return made


def scenes_of(book: list[BookAccount], *, today: int, run: str) -> list[Scene]:
    """Return the scenes in their order; stories that the book lacks are left out. ``run`` tells runs apart."""
    stage = _Stage(today, run)
    acts: list[tuple[str, int, Callable[[_Stage, BookAccount], Scene]]] = [
        ("borderline", 0, _card_declined),
        ("steady", 0, _slips),
        ("borderline", 1, _everything_at_once),
        ("leaving", 0, _recovers),
        ("steady", 1, _champion_leaves),
        ("onboarding", 0, _arrives),
        ("advocate", 0, _sours),
        ("borderline", 2, _card_declined),
    ]
    scenes = [_newcomer(stage), _late_newcomer(stage)]
    for story, place, act in acts:
        cast = [account for account in book if account.story.name == story]
        if place < len(cast):
            scenes.append(act(stage, cast[place]))
    return sorted(scenes, key=lambda scene: scene.after_s)


def _card_declined(stage: _Stage, account: BookAccount) -> Scene:
    after = 3 if int(account.id.rpartition("-")[2]) < 1010 else 45
    events = [*stage.unpaid(account.id, late=35, failures=3), inputs.RenewalIntent(intent="leave")]
    return Scene(after, account.id, f"{account.name}: the card is declined, and they say they will leave", events)


def _slips(stage: _Stage, account: BookAccount) -> Scene:
    answer = inputs.SurveyAnswered(kind="nps", score=1, role="champion", respondent=contact(account, "champion"))
    events = [
        *stage.unpaid(account.id, late=65, failures=3),
        *stage.tickets(account.id, urgent=1, other=7),
        answer,
    ]
    return Scene(8, account.id, f"{account.name}: a bad morning, eight tickets and a long unpaid invoice", events)


def _everything_at_once(stage: _Stage, account: BookAccount) -> Scene:
    answer = inputs.SurveyAnswered(kind="nps", score=0, role="champion", respondent=contact(account, "champion"))
    events: list[PayloadStruct] = [
        *stage.unpaid(account.id, late=40, failures=2),
        *stage.tickets(account.id, urgent=1, other=4),
        answer,
        inputs.RenewalIntent(intent="leave"),
    ]
    return Scene(14, account.id, f"{account.name}: a P1, a disputed invoice, and they want out", events)


def _recovers(stage: _Stage, account: BookAccount) -> Scene:
    events: list[PayloadStruct] = [
        inputs.InvoicePaid(invoice_id=f"{account.id}-i1"),
        inputs.TicketSolved(ticket_id=f"{account.id}-p1"),
        *(inputs.TicketSolved(ticket_id=f"{account.id}-t{number}") for number in range(1, 7)),
        inputs.SurveyAnswered(kind="nps", score=9, role="champion", respondent=contact(account, "champion")),
        inputs.EngagementHeld(kind="board", role="sponsor", contact=contact(account, "sponsor")),
        inputs.EngagementHeld(kind="call", role="economic_buyer", contact=contact(account, "economic_buyer")),
        inputs.ValueRecorded(amount=600, unit="hours", objective_id="hours-saved", by="customer"),
        inputs.RenewalIntent(intent="renew"),
    ]
    events += [
        inputs.UsageRecorded(feature=feature, module=module, count=40, actor=actor)
        for feature, module in account.feature_modules[:6]
        for actor in account.actors[:30]
    ]
    words = f"{account.name}: the P1 is solved, the invoice paid, the board agreed to renew, the team is back"
    del stage
    return Scene(20, account.id, words, events)


def _champion_leaves(stage: _Stage, account: BookAccount) -> Scene:
    del stage
    events: list[PayloadStruct] = [inputs.ChampionLeft(contact=contact(account, "champion"))]
    return Scene(26, account.id, f"{account.name}: the champion has left", events)


def _arrives(stage: _Stage, account: BookAccount) -> Scene:
    del stage
    events: list[PayloadStruct] = [
        inputs.UsageRecorded(feature=feature, module=module, count=5, actor=account.actors[0])
        for feature, module in account.feature_modules[:7]
    ]
    return Scene(32, account.id, f"{account.name}: seven features in use, True North reached", events)


def _sours(stage: _Stage, account: BookAccount) -> Scene:
    del stage
    events: list[PayloadStruct] = [
        *(
            inputs.SurveyAnswered(kind="nps", score=1, role=role, respondent=contact(account, role))
            for role in _ANSWERING
        ),
        inputs.SurveyAnswered(kind="ces", score=1, role="admin", respondent=contact(account, "admin")),
        inputs.RenewalIntent(intent="reduce"),
    ]
    return Scene(38, account.id, f"{account.name}: uses everything and answers NPS with 1", events)


def _newcomer(stage: _Stage) -> Scene:
    account = f"acct-new-{stage.run}"
    return Scene(5, account, "Fennimore Optics signs up", _signs_up(stage, account, "Fennimore Optics", ago=0, used=2))


def _late_newcomer(stage: _Stage) -> Scene:
    account = f"acct-late-{stage.run}"
    events = _signs_up(stage, account, "Galloway Press", ago=10, used=4)
    return Scene(17, account, "Galloway Press is connected on day 11, 4 of 7 features in use", events)


def _signs_up(stage: _Stage, account: str, name: str, *, ago: int, used: int) -> list[PayloadStruct]:
    facts = inputs.AccountUpdated(
        name=name, owner_id=OWNERS[0], plan="Pro", industry="Media", country="US", seats=12, signed_up_on=stage.day(ago)
    )
    subscription = inputs.SubscriptionStarted(subscription_id=f"{account}-s1", plan="Pro", seats=12, arr=576_000)
    usage = [
        inputs.UsageRecorded(feature=features[0], module=module, count=3, actor=f"{account}-u{number}")
        for number, (module, features) in enumerate(list(FEATURES.items())[:used])
    ]
    return [facts, subscription, *usage]
