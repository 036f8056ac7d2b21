"""Titles are a playbook's words with the account's values."""

from truenorth.events.health import Sentence
from truenorth_playbooks.domain.texts import TITLE_CHARS_MAX, title

from tests.playbooks.makers import band, milestone


def test_placeholders_are_filled() -> None:
    crossing = band(1, "green", "red", score=30.5, sentence=Sentence([("Two P1 tickets", True), (" are open", False)]))
    assert title("{account} turned red: {score}", crossing) == "Acme Freight turned red: 31"
    assert title("Why: {why}", crossing) == "Why: Two P1 tickets are open"
    assert title("To {milestone}!", milestone(1, "at_risk")) == "To First value!"


def test_no_score_is_a_dash_and_no_name_the_id() -> None:
    assert title("{account}: {score}", band(1, "green", "unknown", score=None, name="")) == "acme: –"


def test_what_is_no_placeholder_stays_as_it_is_written() -> None:
    crossing = band(1, "green", "red", name="{score}")
    assert title("{who} {account} {", crossing) == "{who} {score} {"


def test_a_long_title_is_cut() -> None:
    cut = title("{account}", band(1, "green", "red", name="x" * 500))
    assert len(cut) == TITLE_CHARS_MAX
    assert cut.endswith("…")
