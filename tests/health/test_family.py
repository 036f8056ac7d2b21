"""What child accounts tell their parents, and what parents keep of it."""

import msgspec
from truenorth.events.health import Band, ChildScored
from truenorth.events.inputs import AccountChurned, AccountReactivated, AccountUpdated
from truenorth.events.people import ErasureRequested
from truenorth.kafka import Record
from truenorth.streams.processor import Item
from truenorth.topics import HEALTH_SOURCES, full_name
from truenorth_health.adapters.processor import AccountProcessor, CompiledDefinitions, render
from truenorth_health.domain.decided import Decided
from truenorth_health.domain.family import children_of, depth_of, leave, tell
from truenorth_health.domain.fold import fold
from truenorth_health.domain.limits import CHILDREN_GONE_MAX, CHILDREN_MAX, ROLL_UP_DEPTH_MAX, ROLL_UP_RETOLD_MS
from truenorth_health.domain.parts import Children
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, new_state

from tests.health.builders import ACCOUNT, HOUR, NOON, Book, compiled, event, support_card

ROLL_UPS = HEALTH_SOURCES.index("roll-ups")


class Child:
    """An account that says how it is, and the state of whoever listens."""

    def __init__(self, account: str = "kid") -> None:
        self.state = new_state(account)
        self.path = self.state.write(Path)

    def says(
        self, score: float | None = 80.0, *, parent: str | None = "mum", arr: int | None = 100, at_ms: int = NOON
    ) -> list[tuple[str, ChildScored]]:
        band: Band = "unknown" if score is None else "green"
        return tell(self.state, self.path, parent_id=parent, score=score, band=band, arr=arr, now_ms=at_ms)


def hear(parent: AccountState, told: ChildScored, *, at_ms: int = NOON) -> None:
    fold(parent, ROLL_UPS, event(told, at_ms, f"{told.child}-{told.revision}", account=parent.account), at_ms)


def test_a_child_tells_its_parent_what_changed_and_nothing_twice() -> None:
    kid = Child()
    [(parent, first)] = kid.says()
    assert (parent, first) == ("mum", ChildScored("kid", NOON, "green", 80.0, 100, 1))
    assert kid.says(80.4, at_ms=NOON + 1) == []
    [(_, second)] = kid.says(80.5, at_ms=NOON + 2)
    assert (second.score, second.revision) == (80.5, NOON + 2)
    [(_, third)] = kid.says(80.5, arr=200, at_ms=NOON + 2)
    assert (third.arr, third.revision) == (200, NOON + 3)


def test_an_account_without_a_parent_tells_nobody_and_keeps_nothing() -> None:
    kid = Child()
    assert kid.says(parent=None) == []
    assert kid.says(parent="kid") == []
    assert kid.says(parent="no\x1faccount") == []
    assert kid.path.told is None


def test_a_child_that_moves_takes_its_leave() -> None:
    kid = Child()
    kid.says()
    (old, good_bye), (new, hello) = kid.says(parent="aunt", at_ms=NOON + 1)
    assert (old, good_bye.gone, new, hello.gone) == ("mum", True, "aunt", False)
    [(last, gone)] = kid.says(parent=None, at_ms=NOON + 2)
    assert (last, gone.gone) == ("aunt", True)
    assert kid.says(parent=None, at_ms=NOON + 3) == []


def test_an_account_that_leaves_says_so_once() -> None:
    kid = Child()
    assert leave("kid", kid.path, NOON) == []
    kid.says()
    assert leave("kid", kid.path, NOON) == [("mum", ChildScored("kid", NOON + 1, gone=True))]
    assert leave("kid", kid.path, NOON) == []
    [(_, back)] = kid.says()
    assert (back.gone, back.revision) == (False, NOON + 2)


def test_a_parent_is_told_again_before_the_topic_forgets() -> None:
    kid = Child()
    kid.says()
    assert kid.says(at_ms=NOON + ROLL_UP_RETOLD_MS - 1) == []
    assert len(kid.says(at_ms=NOON + ROLL_UP_RETOLD_MS)) == 1


def test_the_highest_revision_wins_also_over_a_good_bye() -> None:
    mum = new_state("mum")
    newer = ChildScored("kid", 5, "green", 80.0, 100)
    hear(mum, newer)
    hear(mum, ChildScored("kid", 4, "red", 10.0, 100))
    assert [(one.account, one.score) for one in children_of(mum)] == [("kid", 80.0)]
    hear(mum, ChildScored("kid", 7, gone=True))
    hear(mum, ChildScored("kid", 6, "red", 10.0, 100))
    assert children_of(mum) == []
    hear(mum, ChildScored("kid", 8, "yellow", 50.0, 100))
    assert [one.band for one in children_of(mum)] == ["yellow"]
    assert mum.read(Children).gone == {}


def test_more_children_than_are_kept_are_counted() -> None:
    mum = new_state("mum")
    for number in range(CHILDREN_MAX + 2):
        hear(mum, ChildScored(f"kid-{number}", 1, "green", 80.0))
    assert (len(children_of(mum)), mum.read(Children).over) == (CHILDREN_MAX, 2)
    hear(mum, ChildScored("kid-0", 2, "red", 10.0))
    assert children_of(mum)[0].band == "red"


def test_the_memory_of_former_children_is_bounded_and_keeps_the_latest() -> None:
    mum = new_state("mum")
    for number in range(CHILDREN_GONE_MAX + 5):
        hear(mum, ChildScored(f"kid-{number}", 1, gone=True))
    gone = mum.read(Children).gone
    assert len(gone) == CHILDREN_GONE_MAX
    assert "kid-4" not in gone
    assert "kid-5" in gone


def test_whoever_is_too_deep_tells_no_score() -> None:
    top = new_state("top")
    hear(top, ChildScored("kid", 1, "green", 80.0, 100, ROLL_UP_DEPTH_MAX))
    assert len(children_of(top)) == 1
    path = top.write(Path)
    [(_, told)] = tell(top, path, parent_id="above", score=80.0, band="green", arr=1, now_ms=NOON)
    assert (told.depth, told.score, told.band, told.arr) == (ROLL_UP_DEPTH_MAX + 1, None, "unknown", None)
    above = new_state("above")
    hear(above, told)
    assert children_of(above) == []
    assert depth_of(above) == ROLL_UP_DEPTH_MAX + 1


def test_what_is_kept_comes_back_as_it_went() -> None:
    mum = new_state("mum")
    hear(mum, ChildScored("kid", 1, "green", 80.0, 100))
    again = AccountState("mum", mum.parts())
    assert children_of(again) == children_of(mum)
    assert msgspec.msgpack.encode(again.read(Children)) == mum.parts()["children"]


def test_what_is_told_goes_to_the_parent_and_is_understood_there() -> None:
    told = Decided(to_parents=[("mum", ChildScored("kid", 5, "green", 80.0, 100))])
    [output] = render("kid", told, NOON)
    assert (output.topic, output.key) == (full_name("roll-ups"), b"mum")
    processor = AccountProcessor(CompiledDefinitions(lambda: None))
    record = Record(output.topic, 0, 0, output.key, output.value, NOON)
    account, _, heard = processor.decode(ROLL_UPS, record)
    mum = processor.load(account, {})
    processor.fold(mum, ROLL_UPS, [Item(record, None, heard)])
    assert [child.account for child in children_of(mum)] == ["kid"]


def at_home() -> Book:
    """A child that has told its parent once."""
    book = Book(compiled(support_card()), facts=AccountUpdated(name="Acme", parent_id="mum"))
    book.open_tickets(2, NOON)
    [(parent, first)] = book.decide(NOON).to_parents
    assert (parent, first.score, first.gone) == ("mum", 80.0, False)
    return book


def test_a_decision_tells_the_parent_when_the_score_changed_and_not_else() -> None:
    book = at_home()
    assert book.decide(NOON + HOUR).to_parents == []
    book.open_tickets(1, NOON + HOUR)
    assert [told.score for _, told in book.decide(NOON + 2 * HOUR).to_parents] == [70.0]


def test_a_child_that_churns_is_gone_and_comes_back_when_it_does() -> None:
    book = at_home()
    book.tell(AccountChurned(), NOON + HOUR)
    assert [told.gone for _, told in book.decide(NOON + HOUR).to_parents] == [True]
    book.tell(AccountReactivated(), NOON + 2 * HOUR)
    assert [told.gone for _, told in book.decide(NOON + 2 * HOUR).to_parents] == [False]


def test_a_child_that_is_erased_is_gone_though_nothing_of_it_is_kept() -> None:
    book = at_home()
    book.tell(ErasureRequested("account", ACCOUNT), NOON + HOUR)
    decided = book.decide(NOON + HOUR)
    assert (decided.tombstone, [(to, told.gone) for to, told in decided.to_parents]) == (True, [("mum", True)])
    assert book.decide(NOON + 2 * HOUR).to_parents == []


def test_an_erased_parent_keeps_nothing_of_its_children() -> None:
    mum = new_state("mum")
    hear(mum, ChildScored("kid", 1, "green", 80.0, 100))
    erasure = event(ErasureRequested("account", "mum"), NOON + HOUR, "erase", account="mum")
    fold(mum, HEALTH_SOURCES.index("erasures"), erasure, NOON + HOUR)
    assert children_of(mum) == []
    hear(mum, ChildScored("kid", 2, "green", 80.0, 100), at_ms=NOON + HOUR + 1)
    assert children_of(mum) == []
