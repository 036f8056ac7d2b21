"""The ladder: each rung by conditions, none above one that is not reached."""

from truenorth.definitions.model import Condition, Rung
from truenorth_health.domain.ladder import stand

LADDER = [
    Rung(level="satisfaction", conditions=[Condition(of="score", at_least=60)]),
    Rung(
        level="loyalty",
        conditions=[Condition(of="nps", at_least=7), Condition(of="open_p1_tickets", below=1, why="no P1 is open")],
    ),
    Rung(level="advocacy", conditions=[Condition(of="nps", at_least=9, why="NPS {value}")]),
]
ALL_WELL = {"score": 81.2, "nps": 9.0, "open_p1_tickets": 0.0}


def test_without_a_ladder_nobody_stands_on_it() -> None:
    assert stand([], ALL_WELL.get) is None


def test_the_highest_rung_says_why_and_lacks_nothing() -> None:
    now = stand(LADDER, ALL_WELL.get)
    assert now is not None
    assert (now.level, now.reasons, now.next) == ("advocacy", ["NPS 9"], [])


def test_the_next_rung_says_what_it_lacks_and_what_is_there() -> None:
    now = stand(LADDER, (ALL_WELL | {"nps": 6.0, "open_p1_tickets": 2.0}).get)
    assert now is not None
    assert (now.level, now.reasons) == ("satisfaction", ["score 81"])
    assert now.next == ["nps 7 or more, now 6", "open p1 tickets below 1, now 2"]


def test_a_rung_is_not_reached_over_one_that_is_missing() -> None:
    now = stand(LADDER, (ALL_WELL | {"score": 20.0}).get)
    assert now is not None
    assert (now.level, now.reasons, now.next) == ("none", [], ["score 60 or more, now 20"])


def test_a_number_that_is_not_known_meets_nothing() -> None:
    now = stand(LADDER[::-1], {"score": 81.2, "open_p1_tickets": 0.0}.get)
    assert now is not None
    assert (now.level, now.next) == ("satisfaction", ["nps 7 or more, not known"])
