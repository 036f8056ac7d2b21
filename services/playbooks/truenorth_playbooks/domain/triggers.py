"""Whether a crossing opens a run of a playbook, or ends one."""

from typing import Final

from truenorth.definitions.model import Playbook, Trigger

from truenorth_playbooks.domain.crossings import Crossing

_HEALTH_OF_BAND: Final = {"red": 0, "yellow": 1, "green": 2}


def opens(playbook: Playbook, crossing: Crossing) -> bool:
    """Tell whether the crossing is what the playbook waits for, in a segment it is for."""
    if playbook.segments and crossing.segment not in playbook.segments:
        return False
    when = playbook.when
    if crossing.kind == "band":
        return (
            crossing.before not in {"", crossing.after}
            and crossing.after == when.band
            and (not when.from_bands or crossing.before in when.from_bands)
        )
    if crossing.kind == "finding":
        return crossing.subject == when.finding and crossing.after == "open"
    return crossing.kind == "milestone" and crossing.after == when.milestone


def ends(playbook: Playbook, dedupe: str, crossing: Crossing) -> bool:
    """Tell whether the crossing resolves an open run of the playbook with this dedupe key.

    ``until`` counts as met at its band or beyond it, seen from the band that opened the run. Without
    ``until`` a run is resolved when what opened it is over. An unknown band resolves nothing.
    """
    until = playbook.until
    if until is None:
        return _is_over(playbook.when, dedupe, crossing)
    if crossing.kind == "band" and until.band is not None:
        return _reaches(until.band, playbook.when.band, crossing.after)
    if crossing.kind == "finding":
        return crossing.subject == until.finding and crossing.after == "open"
    if crossing.kind == "milestone" and until.milestone is not None:
        same = playbook.when.milestone is None or crossing.subject == dedupe
        return same and crossing.after == until.milestone
    return False


def _reaches(wanted: str, opened_at: str | None, after: str) -> bool:
    if after not in _HEALTH_OF_BAND:
        return False
    goal, now = _HEALTH_OF_BAND[wanted], _HEALTH_OF_BAND[after]
    falling = opened_at is not None and goal < _HEALTH_OF_BAND[opened_at]
    return now <= goal if falling else now >= goal


def _is_over(when: Trigger, dedupe: str, crossing: Crossing) -> bool:
    if crossing.kind == "band":
        return when.band is not None and crossing.after in _HEALTH_OF_BAND and crossing.after != when.band
    if crossing.kind == "finding":
        return when.finding is not None and crossing.subject == dedupe and crossing.after == "clear"
    if crossing.kind == "milestone":
        return when.milestone in {"at_risk", "missed"} and crossing.subject == dedupe and crossing.after == "reached"
    return False
