"""What opens a run, and what ends it."""

import pytest
from truenorth.definitions.model import Playbook, Step, TaskStep, Trigger
from truenorth_playbooks.domain.triggers import ends, opens

from tests.playbooks.makers import HELP, RESCUE, SILENT, SLIPPING, band, finding, milestone


def test_a_first_band_is_no_crossing() -> None:
    assert not opens(RESCUE, band(1, "", "red"))
    assert opens(RESCUE, band(2, "yellow", "red"))
    assert opens(RESCUE, band(2, "unknown", "red"))


def test_from_bands_narrows_where_it_came_from() -> None:
    assert opens(SLIPPING, band(2, "green", "yellow"))
    assert not opens(SLIPPING, band(2, "red", "yellow"))


def test_a_playbook_for_segments_leaves_others_alone() -> None:
    playbook = Playbook(
        id="x",
        name="X",
        when=Trigger(band="red"),
        segments=["enterprise"],
        steps=[Step(id="a", task=TaskStep(title="t"))],
    )
    assert opens(playbook, band(2, "green", "red", segment="enterprise"))
    assert not opens(playbook, band(2, "green", "red", segment="growth"))


def test_findings_and_milestones_open_by_name_and_status() -> None:
    assert opens(SILENT, finding(2, "open"))
    assert not opens(SILENT, finding(2, "clear"))
    assert not opens(SILENT, finding(2, "open", "watermelon"))
    assert opens(HELP, milestone(2, "at_risk"))
    assert not opens(HELP, milestone(2, "reached"))


@pytest.mark.parametrize(("after", "over"), [("yellow", True), ("green", True), ("red", False), ("unknown", False)])
def test_until_a_band_counts_from_that_band_on_and_never_by_missing_data(after: str, over: bool) -> None:
    assert ends(RESCUE, "", band(3, "red", after)) is over


def test_a_slip_that_falls_on_is_not_over() -> None:
    assert not ends(SLIPPING, "", band(3, "yellow", "red"))
    assert ends(SLIPPING, "", band(3, "yellow", "green"))


def test_good_news_is_over_when_it_turns_bad() -> None:
    praise = Playbook(
        id="praise",
        name="Praise",
        when=Trigger(band="green"),
        until=Trigger(band="yellow"),
        steps=[Step(id="a", task=TaskStep(title="t"))],
    )
    assert ends(praise, "", band(3, "green", "red"))
    assert ends(praise, "", band(3, "green", "yellow"))


def test_without_until_a_run_is_over_with_what_opened_it() -> None:
    assert ends(SILENT, "gone_quiet", finding(3, "clear"))
    assert not ends(SILENT, "gone_quiet", finding(3, "clear", "watermelon"))
    missed = Playbook(
        id="m", name="M", when=Trigger(milestone="missed"), steps=[Step(id="a", task=TaskStep(title="t"))]
    )
    assert ends(missed, "first-value", milestone(3, "reached"))
    assert not ends(missed, "first-value", milestone(3, "reached", "second"))
    red = Playbook(id="r", name="R", when=Trigger(band="red"), steps=[Step(id="a", task=TaskStep(title="t"))])
    assert ends(red, "", band(3, "red", "yellow"))
    assert not ends(red, "", band(3, "red", "unknown"))


def test_until_a_milestone_means_the_one_that_opened_it() -> None:
    assert ends(HELP, "first-value", milestone(3, "reached"))
    assert not ends(HELP, "first-value", milestone(3, "reached", "other"))
