"""What `verify` takes a record's word for: findings made from the score of two weeks before."""

import msgspec
from truenorth.events.health import HealthChanged
from truenorth_health.domain.causes import BEHAVIOUR, FACT
from truenorth_health.domain.verify import Difference
from truenorth_health.domain.verify_decision import judge
from truenorth_health.domain.verify_path import Known, Told

from tests.health.builders import NOON, Book, compiled, support_card


def judged(known: Known, book: Book, first: HealthChanged, *more: HealthChanged) -> list[Difference]:
    known.causes = BEHAVIOUR | FACT
    group = [Told("health-changes", number, 0, "", one) for number, one in enumerate((first, *more))]
    return judge(known, group, book.state, book.definitions)


def test_a_finding_made_from_the_path_is_taken_at_its_word_but_not_twice() -> None:
    book = Book(compiled(support_card()))
    book.open_tickets(1, NOON)
    (band,) = book.decide(NOON).changes
    opened = msgspec.structs.replace(
        band, kind="finding", subject="score_against_revenue", before="clear", after="open"
    )
    cleared = msgspec.structs.replace(opened, before="open", after="clear")
    known = Known()
    assert judged(known, book, band, opened) == []
    assert (known.trusted, known.findings) == (1, frozenset({"score_against_revenue"}))
    assert judged(known, book, opened) == [
        Difference("finding score_against_revenue", "clear to open", "no change"),
    ]
    assert judged(known, book, cleared) == []
    assert known.findings == frozenset()
