"""Titles of tasks and alerts: a playbook's words with this account's values."""

from typing import Final

from truenorth import words

from truenorth_playbooks.domain.crossings import Crossing

TITLE_CHARS_MAX: Final = 200


def title(template: str, crossing: Crossing) -> str:
    """Fill ``{account} {score} {why} {milestone}``; anything else in braces stays as it is written."""
    values = {
        "account": crossing.name or crossing.account,
        "score": words.shown_or_dash(crossing.score),
        "why": words.plain(crossing.sentence),
        "milestone": crossing.milestone_name or crossing.subject,
    }
    filled, rest = "", template
    while rest:
        before, brace, rest = rest.partition("{")
        filled += before
        name, close, after = rest.partition("}")
        if brace and close and name in values:
            filled, rest = filled + values[name], after
        else:
            filled += brace
    return filled if len(filled) <= TITLE_CHARS_MAX else filled[: TITLE_CHARS_MAX - 1].rstrip() + "…"
