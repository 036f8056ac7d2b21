"""Every refusal of a definition file names file, line, field and what would be right; all of them at once."""

from pathlib import Path

import pytest
from truenorth.definitions.parse import DefinitionsRefusedError, load_directory, parse_texts
from truenorth.errors import MissingError

CONFIG = Path(__file__).parents[2] / "config"

SCORECARD = """\
scorecards:
  - id: standard
    bands: {red: {enter: 40, leave: 45}, yellow: {enter: 70, leave: 75}}
    dimensions:
      - id: support
        name: Support
        weight: 1
        measures:
          - id: tickets
            name: Tickets
            signal: open_tickets
            weight: 1
            banded: {cuts: [3, 10], scores: [100, 50, 0]}
"""


def refusals(text: str, file: str = "a.yaml") -> list[tuple[int, str, str]]:
    return [(error.line, error.field, error.message) for error in parse_texts({file: text}).errors]


def test_the_example_definitions_parse() -> None:
    definitions = load_directory(CONFIG)
    assert definitions.scorecards[-1].segment is None
    assert [person.id for person in definitions.people if person.role == "manager"] == ["ingrid.solberg"]


def test_a_well_written_scorecard_parses() -> None:
    parsed = parse_texts({"a.yaml": SCORECARD})
    assert parsed.errors == []
    assert parsed.definitions.scorecards[0].dimensions[0].measures[0].weight == 1.0
    assert parsed.place("scorecards[0].dimensions[0].measures[0].banded.cuts").line == 13


@pytest.mark.parametrize("cuts", ['"0-2 / 0"', '["0-2 / 0"]', '"10-50 / 51-75"', '["10-50", "51-75"]'])
def test_cuts_written_as_text_are_refused_with_the_line(cuts: str) -> None:
    found = refusals(SCORECARD.replace("[3, 10]", cuts))
    assert found, cuts
    line, field, message = found[0]
    assert line == 13
    assert field.startswith("scorecards[0].dimensions[0].measures[0].banded.cuts")
    assert "cut points are numbers" in message


def test_an_unknown_field_is_refused_with_the_nearest_known_one() -> None:
    found = refusals(SCORECARD.replace("weight: 1\n            banded", "wieght: 1\n            banded"))
    assert (12, "scorecards[0].dimensions[0].measures[0].wieght") in [(line, field) for line, field, _ in found]
    assert any("did you mean 'weight'?" in message for _, _, message in found)
    assert any("'weight' is missing" in message for _, _, message in found)


def test_a_percent_sign_is_refused_with_the_bare_number() -> None:
    found = refusals(SCORECARD.replace("weight: 1\n        measures", "weight: 45%\n        measures"))
    assert found == [(7, "scorecards[0].dimensions[0].weight", "'45%' is text; write the bare number, 45")]


def test_all_files_are_read_to_their_end_and_every_error_is_told() -> None:
    parsed = parse_texts(
        {
            "a.yaml": "segments:\n  - id: UPPER\n    name: x\n  - name: y\n",
            "b.yaml": "people:\n  - id: p\n    name: P\n    emial: p@example.com\n",
            "c.yaml": "plans: [\n",
        }
    )
    assert [(error.file, error.line) for error in parsed.errors] == [
        ("a.yaml", 2),
        ("a.yaml", 4),
        ("b.yaml", 4),
        ("b.yaml", 2),
        ("c.yaml", 2),
    ]


def test_files_are_merged_and_places_still_point_at_their_file() -> None:
    parsed = parse_texts(
        {
            "a.yaml": "segments:\n  - id: one\n    name: One\n",
            "b.yaml": "\nsegments:\n  - id: two\n    name: Two\n",
        }
    )
    assert [segment.id for segment in parsed.definitions.segments] == ["one", "two"]
    place = parsed.place("segments[1].name")
    assert (place.file, place.line) == ("b.yaml", 4)


def test_an_id_given_twice_is_refused_with_the_place_of_the_first() -> None:
    parsed = parse_texts(
        {
            "a.yaml": "segments:\n  - id: one\n    name: One\n",
            "b.yaml": "segments:\n  - id: one\n    name: Again\n",
        }
    )
    (error,) = parsed.errors
    assert (error.file, error.line, error.code) == ("b.yaml", 2, "id_twice")
    assert "a.yaml:2" in error.message


def test_off_and_times_stay_text() -> None:
    parsed = parse_texts(
        {
            "a.yaml": (
                "playbooks:\n  - id: p\n    name: P\n    mode: off\n    when: {band: red}\n"
                "    steps: [{id: s, alert: {title: T}}]\n"
                "people:\n  - {id: p, name: NO, email: p@example.com, hours: 09:00-17:00}\n"
            )
        }
    )
    assert parsed.errors == []
    assert parsed.definitions.playbooks[0].mode == "off"
    assert parsed.definitions.people[0].name == "NO"


def test_a_window_above_90_days_is_refused() -> None:
    found = refusals(
        "milestones:\n  - id: m\n    name: M\n    count: events\n    need: 3\n    within_days: 120\n",
    )
    assert found == [
        (
            6,
            "milestones[0].within_days",
            "120 days is too long; windows are at most 90 days, nothing is kept for longer",
        )
    ]


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_numbers_without_end_are_refused(number: str) -> None:
    found = refusals(SCORECARD.replace("[3, 10]", f"[3, {number}]"))
    assert [line for line, _, _ in found] == [13]


def test_rungs_go_by_their_level_and_findings_may_have_a_rule_per_segment() -> None:
    rung = "  - {level: loyalty, conditions: [{of: nps, at_least: 9}]}\n"
    assert refusals("ladder:\n" + rung) == []
    twice = "'loyalty' is already at a.yaml:2; give one of them another level"
    assert refusals("ladder:\n" + rung * 2) == [(3, "ladder[1].level", twice)]
    assert refusals("findings:\n  - {id: misfit, segments: [a], off: true}\n  - {id: misfit, limit: 80}\n") == []


def test_a_field_given_twice_is_refused() -> None:
    assert refusals("segments:\n  - id: s\n    name: A\n    name: B\n") == [
        (4, "segments[0].name", "given twice here; keep one")
    ]


def test_a_refused_directory_raises_with_all_findings(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("segmants: []\n")
    with pytest.raises(DefinitionsRefusedError) as caught:
        load_directory(tmp_path)
    assert "did you mean 'segments'?" in str(caught.value)
    assert str(caught.value.findings[0]).startswith(f"{tmp_path / 'x.yaml'}:1: segmants: ")


def test_an_empty_or_missing_directory_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"holds no \*\.yaml"):
        load_directory(tmp_path)
    with pytest.raises(MissingError, match="not a directory"):
        load_directory(tmp_path / "nowhere")
