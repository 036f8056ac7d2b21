"""What parses and cannot be meant is found, at its line."""

from pathlib import Path

import pytest
from truenorth.definitions.lint import lint
from truenorth.definitions.parse import parse_directory, parse_texts

CONFIG = Path(__file__).parents[2] / "config"

GOOD = """\
segments:
  - {id: small, name: Small, match: {arr_below: 100}}
  - {id: rest, name: Rest}
scorecards:
  - id: standard
    bands: {red: {enter: 40, leave: 45}, yellow: {enter: 70, leave: 75}}
    dimensions:
      - id: support
        name: Support
        weight: 60
        measures:
          - {id: t, name: T, signal: open_tickets, weight: 20, banded: {cuts: [3, 10], scores: [100, 50, 0]}}
      - id: usage
        name: Usage
        weight: 40
        measures:
          - {id: a, name: A, signal: usage_trend_28d, weight: 15, why: "{value} down", linear: {worst: -50, best: 0}}
    exceptions:
      - {when: open_p1_days, above: 7, cap: 60}
milestones:
  - {id: seven, name: Seven, count: distinct_features, need: 7, within_days: 14}
playbooks:
  - id: rescue
    name: Rescue
    when: {band: red}
    until: {band: yellow}
    segments: [small]
    steps: [{id: call, task: {title: "Call {account}"}, alert: {title: "{account} is red"}}]
routes:
  - {id: urgent, severities: [high], channels: [inapp, webhook], webhook: hook}
  - {id: rest, channels: [inapp]}
webhooks:
  - {id: hook, url: "https://example.com/hook"}
people:
  - {id: dana, name: Dana, email: dana@example.com, zone: Europe/Berlin, manager: ingrid}
  - {id: ingrid, name: Ingrid, email: ingrid@example.com, role: manager}
plans:
  - {id: Pro}
"""

BAD = [
    ("cuts: [3, 10]", "cuts: [10, 3]", 12, "cuts_out_of_order"),
    ("scores: [100, 50, 0]", "scores: [100, 50]", 12, "scores_do_not_fit"),
    ("red: {enter: 40, leave: 45}", "red: {enter: 40, leave: 35}", 6, "leave_below_enter"),
    ("red: {enter: 40, leave: 45}", "red: {enter: 72, leave: 74}", 6, "red_above_yellow"),
    ("signal: open_tickets", "signal: open_tikets", 12, "signal_unknown"),
    ("when: open_p1_days", "when: p1", 19, "signal_unknown"),
    ("above: 7, cap: 60", "above: 7", 19, "effect_unclear"),
    ("above: 7, cap: 60", "cap: 60", 19, "condition_missing"),
    ("weight: 60", "weight: 100", 7, "weights_over_100"),
    ("worst: -50, best: 0", "worst: 5, best: 5", 17, "linear_flat"),
    (", linear: {worst: -50, best: 0}", "", 17, "mapping_unclear"),
    ('"{value} down"', '"{valu} down"', 17, "placeholder_unknown"),
    ("  - id: standard", "  - id: standard\n    segment: rest", 5, "default_missing"),
    ("segments: [small]", "segments: [smal]", 27, "segment_unknown"),
    ("when: {band: red}", "when: {}", 25, "trigger_empty"),
    ("when: {band: red}", "when: {band: red, from_bands: [red]}", 25, "trigger_never"),
    ("when: {band: red}", "when: {finding: champion-left}", 25, "finding_unknown"),
    ("until: {band: yellow}", "until: {band: red}", 26, "until_is_when"),
    ("{account} is red", "{acount} is red", 28, "placeholder_unknown"),
    (
        'task: {title: "Call {account}"}, alert: {title: "{account} is red"}',
        "",
        28,
        "step_empty",
    ),
    ("severities: [high], channels", "channels", 31, "route_unreachable"),
    ("webhook: hook}", "webhook: hok}", 30, "webhook_unknown"),
    ("[inapp, webhook], webhook: hook", "[inapp, webhook]", 30, "webhook_unclear"),
    ("manager: ingrid", "manager: nobody", 35, "person_unknown"),
    ("Europe/Berlin", "Europe/Berln", 35, "zone_unknown"),
    ("dana@example.com", "dana", 35, "email_invalid"),
    ("within_days: 14", "within_days: 3", 21, "at_risk_too_early"),
    ("match: {arr_below: 100}", "match: {arr_from: 200, arr_below: 100}", 2, "match_never"),
    ("match: {arr_below: 100}", "match: {plan: [Por]}", 2, "plan_unknown"),
    (", match: {arr_below: 100}", "", 3, "unreachable"),
]


def test_the_example_definitions_have_no_findings() -> None:
    assert lint(parse_directory(CONFIG)) == []


def test_good_definitions_have_no_findings() -> None:
    assert lint(parse_texts({"a.yaml": GOOD})) == []


@pytest.mark.parametrize(("good", "bad", "line", "code"), BAD, ids=[f"{code}-{line}" for _, _, line, code in BAD])
def test_a_finding_names_its_line(good: str, bad: str, line: int, code: str) -> None:
    assert good in GOOD
    found = lint(parse_texts({"a.yaml": GOOD.replace(good, bad, 1)}))
    assert (line, code) in [(error.line, error.code) for error in found], [str(error) for error in found]


def test_weights_summing_to_140_percent_are_refused_and_say_so() -> None:
    found = lint(parse_texts({"a.yaml": GOOD.replace("weight: 60", "weight: 100")}))
    assert "sum to 140 %" in str(found[0])


@pytest.mark.parametrize("weights", [(20, 15), (0.6, 0.4), (7, 5), (60, 40)])
def test_ratios_and_percent_are_both_fine(weights: tuple[float, float]) -> None:
    text = GOOD.replace("weight: 60", f"weight: {weights[0]}").replace("weight: 40", f"weight: {weights[1]}")
    assert lint(parse_texts({"a.yaml": text})) == []


def test_the_default_scorecard_must_be_last() -> None:
    text = GOOD.replace("milestones:", GOOD[GOOD.index("  - id: standard") : GOOD.index("milestones:")] + "milestones:")
    text = text.replace("  - id: standard", "  - id: other", 1)
    assert [(error.line, error.code) for error in lint(parse_texts({"a.yaml": text}))] == [(5, "default_not_last")]


def test_errors_of_parsing_come_before_any_linting() -> None:
    found = lint(parse_texts({"a.yaml": GOOD.replace("cuts: [3, 10]", "cuts: x").replace("band: yellow", "band: red")}))
    assert {error.code for error in found} == {"value_invalid"}
