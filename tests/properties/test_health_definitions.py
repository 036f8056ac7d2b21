"""Definitions that are tried out and taken back leave no trace but history."""

from hypothesis import given, settings
from hypothesis import strategies as st
from truenorth.definitions.model import BandCut, Bands, Dimension, Linear, Measure, Milestone
from truenorth.events import inputs
from truenorth_health.domain.decide import Compiled, decide
from truenorth_health.domain.fold import fold
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, dump, load, new_state

from tests.health.builders import DAY, HOUR, NOON, Book, card, compiled, source_of, support_card
from tests.properties.test_health_fold import Recorded, logs

_bands = st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(0, 25), st.sampled_from(["0s", "2s", "5d"]))
KIND = Bands(red=BandCut(enter=10, leave=10), yellow=BandCut(enter=20, leave=20))
_MILESTONE = Milestone(id="first", name="First", count="events", need=3, within_days=20)


def made(bands: tuple[float, float, float, str], best: float, ordinal: int) -> Compiled:
    red, more, gap, hold = bands
    measure = Measure(id="open", name="Open", signal="events_28d", weight=1, linear=Linear(worst=0, best=best))
    other = Measure(id="nps", name="NPS", signal="nps", weight=1, linear=Linear(worst=0, best=10))
    return compiled(
        card(
            [
                Dimension(id="usage", name="Usage", weight=1, measures=[measure]),
                Dimension(id="sentiment", name="Sentiment", weight=1, measures=[other]),
            ],
            bands=Bands(
                red=BandCut(enter=red, leave=min(100, red + gap)),
                yellow=BandCut(enter=red + more, leave=min(100, red + more + gap)),
                hold_for=hold,
            ),
        ),
        milestones=[_MILESTONE],
        ordinal=ordinal,
    )


def where(state: AccountState) -> tuple[object, ...]:
    path = state.read(Path)
    return path.band, path.leaving_ms, path.score, path.findings, path.milestones, path.scoring, path.segment


@given(logs(), logs(), _bands, _bands, st.floats(1, 50), st.floats(1, 50))
@settings(deadline=None)
def test_definitions_taken_back_leave_no_trace_but_history(
    past: list[Recorded],
    recent: list[Recorded],
    first: tuple[float, float, float, str],
    tried: tuple[float, float, float, str],
    best: float,
    other_best: float,
) -> None:
    state = new_state("acme")
    for event, record_ms in past:
        fold(state, source_of(event), event, record_ms)
    decide(state, made(first, best, 1), offsets={}, now_ms=NOON)
    for event, record_ms in recent:
        fold(state, source_of(event), event, record_ms)
    decide(state, made(first, best, 1), offsets={}, now_ms=NOON + DAY)
    twin = load("acme", dict(dump(state)))
    decide(state, made(tried, other_best, 2), offsets={}, now_ms=NOON + DAY + 10_000)
    decide(state, made(first, best, 3), offsets={}, now_ms=NOON + DAY + 20_000)
    decide(twin, made(first, best, 3), offsets={}, now_ms=NOON + DAY + 20_000)
    assert where(state) == where(twin)


def test_a_band_between_its_cuts_is_found_again_after_other_definitions() -> None:
    """Without remembering it 70 would be green after the return: it only stays yellow for who came from below."""
    kept, kinder = compiled(support_card()), compiled(support_card(bands=KIND), ordinal=2)
    book = Book(kept)
    book.open_tickets(4, NOON)
    book.decide(NOON)
    book.tell(inputs.TicketSolved("t1"), NOON + HOUR)
    book.decide(NOON + HOUR)
    assert book.state.read(Path).band == "yellow"
    decide(book.state, kinder, offsets={}, now_ms=NOON + 2 * HOUR)
    assert book.state.read(Path).band == "green"
    back = decide(book.state, compiled(support_card(), ordinal=3), offsets={}, now_ms=NOON + 3 * HOUR)
    assert book.state.read(Path).band == "yellow"
    assert [change.cause for change in back.changes] == ["definition"]
