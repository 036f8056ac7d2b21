"""What parses and cannot be meant in scorecards and in what is told beside the score is found, at its line."""

import pytest
from truenorth.definitions.lint import lint
from truenorth.definitions.parse import parse_texts

GOOD = """\
segments:
  - {id: small, name: Small, match: {arr_below: 100, tier: [a, b]}}
  - {id: rest, name: Rest}
scorecards:
  - id: small
    segment: small
    bands: &bands {red: {enter: 40, leave: 45}, yellow: {enter: 70, leave: 75}}
    dimensions:
      - id: usage
        name: Usage
        weight: 1
        measures:
          - {id: a, name: A, signal: stickiness, weight: 1, linear: {worst: 0, best: 1}}
  - id: standard
    bands: *bands
    roll_up: {how: own}
    dimensions:
      - id: usage
        name: Usage
        weight: 60
        measures:
          - id: licence
            name: Licence use
            signal: active_per_seat_28d
            weight: 20
            by_age:
              - {from_days: 60, banded: {cuts: [0.1, 0.5], scores: [0, 50, 100]}}
              - {from_days: 180, linear: {worst: 0, best: 1}}
      - id: support
        name: Support
        weight: 40
        combine: worst
        measures:
          - {id: t, name: T, signal: open_tickets, weight: 1, banded: {cuts: [3], scores: [100, 0]}}
    exceptions:
      - {when: open_p1_days, above: 7, cap: 60}
  - {id: try, mode: shadow, bands: *bands, dimensions: [*d]}
milestones:
  - {id: seats, name: Seats, count: share_of_seats, need: 80, within_days: 60}
  - {id: tries, name: Tries, count: events, need: 9, within_days: 14, features: [board]}
findings:
  - {id: consumption_gap, limit: 0.6, clear: 0.5, segments: [small]}
  - {id: single_threaded, limit: 1, clear: 2}
  - {id: champion_gone, segments: [small]}
ladder:
  - {level: satisfaction, conditions: [{of: score, at_least: 60}]}
  - {level: advocacy, conditions: [{of: score, at_least: 80}, {of: nps, at_least: 9, why: "NPS {value}"}]}
tiers:
  - {id: gold, name: Gold, arr_from: 500, potential_arr_from: 900, advocates: true}
  - {id: silver, name: Silver, arr_from: 100}
  - {id: base, name: Base}
sources:
  - {id: usage, silent_after: 6h}
""".replace("dimensions: [*d]", "dimensions: *dims").replace(
    "    roll_up: {how: own}\n    dimensions:", "    roll_up: {how: own}\n    dimensions: &dims"
)

BAD = [
    ("signal: stickiness", "signal: active_actors_120d", 13, "window_too_long"),
    ("signal: stickiness", "signal: stickyness", 13, "signal_unknown"),
    ("when: open_p1_days", "when: open_p1_dayz", 36, "signal_unknown"),
    ("of: nps", "of: npz", 47, "signal_unknown"),
    ("of: nps", "of: active_actors_365d", 47, "window_too_long"),
    ("weight: 40", "weight: 35", 17, "weights_miss_100"),
    ("weight: 40", "weight: 80", 17, "weights_over_100"),
    ("linear: {worst: 0, best: 1}}\n  - id", "by_age: []}\n  - id", 13, "mapping_unclear"),
    ("            by_age:", "            linear: {worst: 0, best: 1}\n            by_age:", 22, "mapping_unclear"),
    ("{from_days: 180, linear: {worst: 0, best: 1}}", "{from_days: 180}", 28, "mapping_unclear"),
    ("from_days: 180", "from_days: 60", 28, "ages_out_of_order"),
    ("cuts: [0.1, 0.5]", "cuts: [0.5, 0.1]", 27, "cuts_out_of_order"),
    ("scores: [0, 50, 100]", "scores: [0, 100]", 27, "scores_do_not_fit"),
    ("from_days: 180, linear: {worst: 0, best: 1}", "from_days: 180, linear: {worst: 1, best: 1}", 28, "linear_flat"),
    ("scores: [100, 0]", "scores: [50, 50]", 34, "bands_flat"),
    ("red: {enter: 40, leave: 45}", "red: {enter: 40, leave: 39}", 7, "leave_below_enter"),
    ("yellow: {enter: 70, leave: 75}", "yellow: {enter: 30, leave: 75}", 7, "red_above_yellow"),
    ("cap: 60", "cap: 60, floor: 20", 36, "effect_unclear"),
    (", cap: 60", "", 36, "effect_unclear"),
    ("cap: 60", "cap: 100", 36, "effect_none"),
    ("cap: 60", "floor: 0", 36, "effect_none"),
    ("above: 7, ", "", 36, "condition_missing"),
    ("above: 7", "above: 7, below: 7", 36, "condition_never"),
    ("roll_up: {how: own}", "roll_up: {how: own, include_parent: false}", 16, "roll_up_of_nothing"),
    ("segment: small\n", "segment: smal\n", 6, "segment_unknown"),
    ("- {id: try, mode: shadow", "- {id: try", 14, "default_not_last"),
    ("need: 80", "need: 101", 39, "milestone_unreachable"),
    ("need: 80, within_days: 60", "need: 80, within_days: 60, features: [board]", 39, "features_unused"),
    ("- {id: rest, name: Rest}", "- {id: rest, name: Rest, match: {arr_below: 90, tier: [a]}}", 3, "unreachable"),
    ("id: consumption_gap", "id: consumption-gap", 42, "finding_unknown"),
    ("clear: 0.5, segments: [small]", "clear: 0.5, segments: [big]", 42, "segment_unknown"),
    ("limit: 0.6, clear: 0.5", "limit: 60, clear: 0.5", 42, "limit_out_of_range"),
    ("limit: 0.6, clear: 0.5", "limit: 0.6, clear: 0.7", 42, "clear_before_open"),
    ("limit: 0.6, clear: 0.5", "clear: 0.5", 42, "limit_missing"),
    ("limit: 0.6, clear: 0.5", "limit: 0.6, off: true", 42, "limit_unused"),
    ("limit: 1, clear: 2", "limit: 1, clear: 0", 43, "clear_before_open"),
    ("id: champion_gone", "id: champion_gone, limit: 1", 44, "limit_unused"),
    ("  - {id: champion_gone", "  - {id: single_threaded", 44, "finding_unreachable"),
    ("{of: score, at_least: 60}", "{of: score}", 46, "condition_missing"),
    ("{of: score, at_least: 60}", "{of: score, at_least: 101}", 46, "condition_never"),
    ("{of: score, at_least: 60}", "{of: score, below: 0}", 46, "condition_never"),
    ("{of: score, at_least: 60}", "{of: pulse, at_least: 3, below: 3}", 46, "condition_never"),
    ("{of: score, at_least: 60}", "{of: pulse, at_least: 3}, {of: pulse, below: 2}", 46, "condition_never"),
    ("NPS {value}", "NPS {score}", 47, "placeholder_unknown"),
    ("{of: nps, at_least: 9", "{of: stickiness, at_least: 0.5", 47, "advocacy_by_usage"),
    ("name: Silver, arr_from: 100", "name: Silver, arr_from: 600", 50, "tiers_out_of_order"),
    ("name: Silver, arr_from: 100", "name: Silver, potential_arr_from: 900", 50, "tiers_out_of_order"),
    ("name: Silver, arr_from: 100", "name: Silver, advocates: true", 50, "tier_unreachable"),
    ("name: Silver, arr_from: 100", "name: Silver, promised: false", 50, "tier_unreachable"),
    ("silent_after: 6h", "silent_after: 0h", 53, "silent_at_once"),
    ("silent_after: 6h", "silent_after: 91d", 53, "duration_too_long"),
    ("silent_after: 6h", "silent_after: 2161h", 53, "duration_too_long"),
    ("leave: 75}}", f"leave: 75}}, hold_for: {'9' * 5_000}d}}", 7, "duration_too_long"),
    ("linear: {worst: 0, best: 1}", "linear: {worst: -1.0e+308, best: 1.0e+308}", 13, "linear_too_wide"),
    ("weight: 60", f"weight: 1{'0' * 400}", 20, "value_invalid"),
    ("arr_below: 100", f"arr_below: {2**63}", 2, "value_invalid"),
]


def found_in(text: str) -> list[tuple[int, str]]:
    return [(error.line, error.code) for error in lint(parse_texts({"a.yaml": text}))]


def test_good_definitions_have_no_findings() -> None:
    assert found_in(GOOD) == []


@pytest.mark.parametrize(("good", "bad", "line", "code"), BAD, ids=[f"{code}-{line}" for _, _, line, code in BAD])
def test_a_finding_names_its_line(good: str, bad: str, line: int, code: str) -> None:
    assert good in GOOD
    assert (line, code) in found_in(GOOD.replace(good, bad, 1))


def messages(good: str, bad: str) -> str:
    assert good in GOOD
    return "\n".join(str(error) for error in lint(parse_texts({"a.yaml": GOOD.replace(good, bad, 1)})))


def test_a_window_that_is_too_long_says_so_with_the_longest_there_is() -> None:
    told = messages("signal: stickiness", "signal: active_actors_120d")
    assert "windows are at most 90 days; did you mean 'active_actors_90d'?" in told
    assert told.startswith("a.yaml:13: scorecards[0].dimensions[0].measures[0].signal")


def test_a_signal_that_is_misspelt_has_the_nearest_name() -> None:
    assert "did you mean 'stickiness'?" in messages("signal: stickiness", "signal: stickyness")


def test_a_signal_that_is_like_none_is_not_answered_with_all_of_them() -> None:
    told = messages("signal: stickiness", "signal: quux")
    assert "unknown signal 'quux'; none of the 88 known ones is like it" in told
    assert len(told) < 250


def test_percent_that_misses_100_is_refused_with_its_sum() -> None:
    told = messages("weight: 40", "weight: 35")
    assert "sum to 95 %" in told
    assert told.startswith("a.yaml:17: scorecards[1].dimensions")


@pytest.mark.parametrize(
    ("first", "second", "refused"),
    [
        (60, 40, False),
        (20, 37, False),  # 57, as 20, 15, 22 is
        (60, 30, True),
        (60, 29, False),
        (60, 39.5, False),
        (90, 4, False),  # 4 of 94: nobody writes a percentage so small beside one so large by mistake
        (70, 70, True),
        (0.6, 0.4, False),
    ],
)
def test_what_reads_as_percent(first: float, second: float, refused: bool) -> None:
    text = GOOD.replace("weight: 60", f"weight: {first}", 1).replace("weight: 40", f"weight: {second}", 1)
    assert bool(found_in(text)) == refused


def test_one_weight_alone_is_a_ratio() -> None:
    assert found_in(GOOD.replace("weight: 20", "weight: 95")) == []


def test_a_shadow_may_follow_the_default_and_may_not_stand_in_for_it() -> None:
    assert found_in(GOOD) == []
    shadowed = GOOD.replace("- id: standard\n", "- id: standard\n    mode: shadow\n", 1)
    assert (17, "default_missing") not in found_in(shadowed)
    assert {code for _, code in found_in(shadowed)} == {"default_missing", "default_not_last"}


def test_rungs_go_up() -> None:
    lines = GOOD.split("\n")
    low = next(index for index, line in enumerate(lines) if "level: satisfaction" in line)
    lines[low], lines[low + 1] = lines[low + 1], lines[low]
    assert found_in("\n".join(lines)) == [(low + 2, "ladder_out_of_order")]


def test_a_second_scorecard_for_a_segment_is_never_used() -> None:
    again = "  - {id: again, segment: small, bands: *bands, dimensions: *dims}\n"
    assert found_in(GOOD.replace("  - {id: try", again + "  - {id: try")) == [
        (14, "default_not_last"),
        (37, "scorecard_unreachable"),
    ]
    shadow = again.replace("{id: again", "{id: again, mode: shadow")
    assert found_in(GOOD.replace("  - {id: try", shadow + "  - {id: try")) == []
    twice = shadow + shadow.replace("id: again", "id: twice")
    assert found_in(GOOD.replace("  - {id: try", twice + "  - {id: try")) == [(38, "scorecard_unreachable")]


def test_a_dimension_or_measure_given_twice_is_found() -> None:
    assert (29, "dimension_twice") in found_in(GOOD.replace("- id: support", "- id: usage", 1))
    assert (34, "measure_twice") in found_in(GOOD.replace("{id: t, name", "{id: licence, name", 1))
