"""A bundle is its content: the same definitions have the same hash, and nothing bad replaces something good."""

from pathlib import Path

import pytest
from truenorth.definitions import bundle
from truenorth.definitions.diff import differences
from truenorth.definitions.folding import Shelf
from truenorth.definitions.model import (
    AgeBand,
    BandCut,
    Bands,
    Definitions,
    Dimension,
    Linear,
    Measure,
    Person,
    Scorecard,
    Segment,
)
from truenorth.definitions.parse import load_directory, parse_texts
from truenorth.errors import RefusedError

CONFIG = Path(__file__).parents[2] / "config"
ONE = Definitions(segments=[Segment(id="one", name="One")])
TWO = Definitions(segments=[Segment(id="one", name="Uno"), Segment(id="two", name="Two")])


def shelf_with(*applied: Definitions) -> Shelf:
    shelf = Shelf()
    for ordinal, definitions in enumerate(applied, start=1):
        made = bundle.make_bundle(definitions, ordinal=ordinal, applied_ms=ordinal)
        shelf.take(*bundle.encode_bundle(made))
        shelf.take(*bundle.encode_current(made))
    return shelf


def test_the_same_content_has_the_same_hash_however_it_was_written() -> None:
    block = parse_texts({"a": "people:\n  - id: p\n    name: P\n    email: p@example.com\n"}).definitions
    flow = parse_texts({"b": "people: [{email: p@example.com, zone: UTC, name: P, id: p}]"}).definitions
    assert bundle.hash_of(block) == bundle.hash_of(flow)
    assert len(bundle.hash_of(block)) == 12


def test_another_content_has_another_hash() -> None:
    assert bundle.hash_of(ONE) != bundle.hash_of(TWO)


def test_a_bundle_survives_the_wire() -> None:
    made = bundle.make_bundle(load_directory(CONFIG), ordinal=3, applied_ms=1_760_000_000_000)
    assert bundle.decode_bundle(*bundle.encode_bundle(made)) == made


def test_a_bundle_whose_content_was_altered_is_refused() -> None:
    key, value = bundle.encode_bundle(bundle.make_bundle(ONE, ordinal=1, applied_ms=1))
    with pytest.raises(RefusedError, match="content its hash claims"):
        bundle.decode_bundle(key, value.replace(b"One", b"Eno"))


def test_the_latest_apply_is_in_force_and_older_bundles_stay() -> None:
    shelf = shelf_with(ONE, TWO)
    assert shelf.current is not None
    assert shelf.current.definitions == TWO
    assert shelf.current.ordinal == 2
    older = shelf.bundle(bundle.hash_of(ONE))
    assert older is not None
    assert older.definitions == ONE


def test_going_back_to_an_earlier_content_is_a_new_apply() -> None:
    shelf = shelf_with(ONE, TWO, ONE)
    assert shelf.current is not None
    assert (shelf.current.ordinal, shelf.current.definitions) == (3, ONE)


def test_a_bad_record_never_replaces_a_good_bundle() -> None:
    shelf = shelf_with(ONE)
    for key, value in ((b"0" * 12, b"{}"), (bundle.CURRENT_KEY, b"nonsense"), (bundle.CURRENT_KEY, _points_nowhere())):
        with pytest.raises(RefusedError):
            shelf.take(key, value)
    assert shelf.current is not None
    assert shelf.current.definitions == ONE
    assert shelf.take(bundle.CURRENT_KEY, None) is False


def test_an_older_apply_read_late_changes_nothing() -> None:
    shelf = shelf_with(ONE, TWO)
    old = bundle.make_bundle(ONE, ordinal=1, applied_ms=1)
    assert shelf.take(*bundle.encode_current(old)) is False
    assert shelf.current is not None
    assert shelf.current.definitions == TWO


def test_the_difference_names_what_came_went_moved_and_changed() -> None:
    before = Definitions(
        segments=[Segment(id="a", name="A"), Segment(id="b", name="B"), Segment(id="gone", name="G")],
        people=[Person(id="p", name="P", email="p@example.com")],
    )
    after = Definitions(
        segments=[Segment(id="b", name="B"), Segment(id="a", name="A"), Segment(id="new", name="N")],
        people=[Person(id="p", name="P", email="p@example.com", zone="Europe/Berlin")],
    )
    assert differences(before, after) == [
        "- segments gone",
        "+ segments new",
        "↕ segments: now in the order b, a, new",
        '~ people p: zone "UTC" → "Europe/Berlin"',
    ]
    assert differences(after, after) == []


def test_the_difference_of_long_values_shows_where_they_differ() -> None:
    words = "so that both begin alike for longer than a line of a difference holds, and then: "
    before, after = (Definitions(segments=[Segment(id="a", name=words + last)]) for last in ("this", "that"))
    assert differences(before, after) == ['~ segments a: name …s, and then: this" → …s, and then: that"']


def test_the_difference_names_the_age_whose_map_changed() -> None:
    def card(best: float) -> Definitions:
        by_age = [AgeBand(0, linear=Linear(worst=0, best=0.3)), AgeBand(270, linear=Linear(worst=0.1, best=best))]
        seats = Measure(id="seats", name="Seats", signal="active_per_seat_28d", weight=1, by_age=by_age)
        usage = Dimension(id="usage", name="Usage", weight=1, measures=[seats])
        bands = Bands(red=BandCut(40, 45), yellow=BandCut(70, 75))
        return Definitions(scorecards=[Scorecard(id="own", bands=bands, dimensions=[usage])])

    assert differences(card(0.7), card(0.9)) == [
        "~ scorecards own: dimensions[usage].measures[seats].by_age[270].linear.best 0.7 → 0.9"
    ]


def _points_nowhere() -> bytes:
    return bundle.encode_current(bundle.make_bundle(TWO, ordinal=9, applied_ms=9))[1]
