"""The sentence: the column a person reads when there is time for one."""

from truenorth import words
from truenorth.definitions.model import ScoreException
from truenorth.events import inputs, people
from truenorth.events.health import HealthUpdated

from tests.health.builders import DAY, NOON, Book, compiled, support_card, three_part_card


def snapshot(one: Book, now_ms: int = NOON) -> HealthUpdated:
    found = one.decide(now_ms).snapshot
    assert found is not None
    return found


def said(one: Book, now_ms: int = NOON) -> str:
    return "".join(f"*{text}*" if strong else text for text, strong in snapshot(one, now_ms).sentence.runs)


def sick() -> Book:
    one = Book(compiled(three_part_card()))
    one.use(NOON, actors=["ann", "bob"])
    one.tell(inputs.TicketOpened("t", "p1"), NOON - 9 * DAY)
    one.tell(inputs.SurveyAnswered("nps", 4), NOON)
    return one


def test_what_was_lost_most_comes_first_and_alone_is_strong() -> None:
    assert said(sick()) == "*P1 open 9 days*; 2 people active"


def test_what_would_help_most_is_named_with_what_it_gives() -> None:
    now = snapshot(sick())
    assert now.score is not None
    assert words.shown(now.score) == 31
    assert now.help == "closing the P1 gives back up to 30.0 points and would make this account yellow"


def test_an_account_on_its_way_up_is_told_with_what_is_left_to_do() -> None:
    one = Book(compiled(support_card()))
    one.open_tickets(8, NOON)
    one.decide(NOON)
    one.decide(NOON + DAY)
    for number in range(3):
        one.tell(inputs.TicketSolved(f"t{number + 1}"), NOON + 14 * DAY)
    assert said(one, NOON + 14 * DAY) == "Recovering: *up 30 points in 14 days*; 5 tickets open"


def test_a_measure_that_gave_weight_away_is_not_blamed() -> None:
    one = Book(compiled(three_part_card()))
    one.use(NOON, actors=[f"u{n}" for n in range(10)])
    one.decide(NOON)
    one.decide(NOON + DAY)
    one.use(NOON + 14 * DAY, actors=[f"u{n}" for n in range(10)])
    one.tell(inputs.SurveyAnswered("nps", 5), NOON + 14 * DAY)
    assert said(one, NOON + 14 * DAY) == "*NPS 5*"


def test_what_fell_in_two_weeks_goes_before_what_was_always_low() -> None:
    one = Book(compiled(three_part_card()))
    one.tell(inputs.SurveyAnswered("nps", 0), NOON - DAY)
    one.use(NOON, actors=[f"u{n}" for n in range(10)])
    one.decide(NOON)
    one.decide(NOON + DAY)
    one.tell(inputs.TicketOpened("t", "p1"), NOON + 5 * DAY)
    one.use(NOON + 14 * DAY, actors=["ann"])
    now = snapshot(one, NOON + 14 * DAY)
    assert words.plain(now.sentence) == "Usage green, sentiment red: NPS 0; P1 open 9 days"
    assert now.delta_14d == -30


def test_a_healthy_account_is_steady() -> None:
    one = Book(compiled(support_card()))
    assert said(one) == "Steady. 0 tickets open"
    one.tell(inputs.AccountUpdated(renews_on="2025-12-19"), NOON)
    assert said(one, NOON + DAY) == "Steady. *Renews in 40 days*"


def test_a_rising_account_says_what_rose() -> None:
    one = Book(compiled(support_card()))
    for number in range(5):
        one.tell(inputs.TicketOpened(f"t{number}"), NOON)
    one.decide(NOON)
    one.decide(NOON + DAY)
    for number in range(4):
        one.tell(inputs.TicketSolved(f"t{number}"), NOON + 14 * DAY)
    assert said(one, NOON + 14 * DAY) == "Up 40 points in 14 days: *1 ticket open*"


def test_a_persons_word_comes_first() -> None:
    one = Book(compiled(support_card()))
    one.tell(people.OverrideSet("dana", "the sponsor is leaving", 20.0), NOON)
    assert said(one).startswith("*Set by dana*: the sponsor is leaving")


def test_a_champion_who_left_is_told() -> None:
    one = sick()
    one.tell(inputs.ChampionLeft("ines"), NOON - DAY)
    assert said(one) == "*Champion left*; P1 open 9 days"
    calm = Book(compiled(support_card()))
    calm.tell(inputs.ChampionLeft("ines"), NOON - DAY)
    assert said(calm) == "*Champion left*"


def test_an_exception_that_moved_the_score_is_told() -> None:
    rule = ScoreException(when="nps", below=5, cap=60, why="a detractor is never green")
    one = Book(compiled(three_part_card(exceptions=[rule])))
    one.use(NOON, actors=[f"u{n}" for n in range(10)])
    one.tell(inputs.SurveyAnswered("nps", 4), NOON)
    now = snapshot(one)
    assert now.score == 60
    assert words.plain(now.sentence) == "A detractor is never green; NPS 4"
    assert now.help.startswith("better NPS gives back up to ")
    assert now.help.endswith(" and would make this account green"), "the cure lifts the cap"


def test_marks_in_a_template_choose_the_strong_run() -> None:
    card = support_card()
    one = Book(compiled(card))
    marked = type(card.dimensions[0].measures[0])(
        id="open",
        name="Open tickets",
        signal="open_tickets",
        weight=1,
        linear=card.dimensions[0].measures[0].linear,
        why="the desk has **{value} open tickets** of theirs",
    )
    dimension = type(card.dimensions[0])(id="support", name="Support", weight=1, measures=[marked])
    one.definitions = compiled(type(card)(id="standard", dimensions=[dimension], bands=card.bands))
    one.open_tickets(6, NOON)
    assert said(one) == "The desk has *6 open tickets* of theirs"
