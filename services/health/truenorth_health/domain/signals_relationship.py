"""Signals of the relationship: who of them still talks to us, and who left."""

from typing import Final

from truenorth_health.domain.limits import DAY_MS, FUTURE_MS_MAX
from truenorth_health.domain.moment import Moment
from truenorth_health.domain.parts import Answer, Surveys
from truenorth_health.domain.parts_engagements import Departure, Engagements, Held
from truenorth_health.domain.pseudonyms import BY_ROLE

NAMES: Final[tuple[str, ...]] = (
    "engagements_28d",
    "engagements_90d",
    "unanswered_90d",
    "answered_share_90d",
    "active_contacts_90d",
    "active_roles_90d",
    "champion_gone",
    "days_since_champion",
    "days_since_sponsor",
    "days_since_buyer",
    "days_since_touch",
    "contacts_left_90d",
)
_CHAMPION: Final = "champion"
_MET: Final = (_CHAMPION, "sponsor", "economic_buyer")
_NOBODY_LEFT: Final = {"contacts_left_90d"}
_UNTOLD: Final[list[float | None]] = [0.0 if name in _NOBODY_LEFT else None for name in NAMES]


_Spoken = Held | Answer
"""Somebody answered. Who was not named may be one person per role."""


def compute(moment: Moment) -> list[float | None]:
    """Return the signals in the order of `NAMES`.

    What is told of engagements is None while nobody tells of any; surveys are answers as well.
    """
    kept, surveys = moment.state.read(Engagements), moment.state.read(Surveys)
    if not kept.newest_ms and not surveys.newest_ms:
        return _UNTOLD
    limit_ms = moment.at_ms + FUTURE_MS_MAX
    month, quarter = (moment.day - 27) * DAY_MS, (moment.day - 89) * DAY_MS
    given = [one for one in (*surveys.nps.values(), *surveys.csat, *surveys.ces) if one.at_ms <= limit_ms]
    held = [one for one in kept.log if quarter <= one.at_ms <= limit_ms]
    answered = [one for one in held if one.answered]
    gone = [one for one in kept.departures if one.at_ms <= limit_ms]
    named = [one for one in given if one.who and one.at_ms >= quarter]
    active: list[_Spoken] = [*answered, *named]
    if gone:
        active = [one for one in active if not _left_since(one, gone)]
    is_told = bool(kept.newest_ms)
    return [
        float(sum(one.at_ms >= month for one in held)) if is_told else None,
        float(len(held)) if is_told else None,
        float(len(held) - len(answered)) if is_told else None,
        len(answered) / len(held) if held else None,
        float(len({one.who or f"{BY_ROLE}{one.role}" for one in active})) if is_told or named else None,
        float(len({one.role for one in active if one.role})) if is_told or named else None,
        _champion_gone(kept, given, limit_ms),
        *(_days_since(moment.day, _met_ms(kept, given, role, limit_ms)) for role in _MET),
        _days_since(moment.day, _touched_ms(kept, surveys, given, limit_ms)),
        _count_left([one for one in gone if one.at_ms >= quarter]),
    ]


def _left_since(one: _Spoken, gone: list[Departure]) -> bool:
    """Whether this person left after having answered; of a person who was not named, whether one in that role did."""
    return any(left.at_ms >= one.at_ms and (left.who == one.who if one.who else left.role == one.role) for left in gone)


def _count_left(gone: list[Departure]) -> float:
    return float(len({one.who for one in gone if one.who}) + sum(not one.who for one in gone))


def _engaged_ms(kept: Engagements, role: str, limit_ms: int) -> int:
    """Return when somebody in this role last answered an engagement; 0 for never."""
    met_ms = kept.met.get(role, 0)
    if met_ms <= limit_ms:
        return met_ms
    told = (one.at_ms for one in kept.log if one.answered and one.role == role and one.at_ms <= limit_ms)
    return max(told, default=0)


def _met_ms(kept: Engagements, given: list[Answer], role: str, limit_ms: int) -> int:
    answers = (one.at_ms for one in given if one.role == role)
    return max(_engaged_ms(kept, role, limit_ms), max(answers, default=0))


def _touched_ms(kept: Engagements, surveys: Surveys, given: list[Answer], limit_ms: int) -> int:
    """Return when anybody last answered an engagement or a survey; 0 for never."""
    engaged_ms = max((_engaged_ms(kept, role, limit_ms) for role in kept.met), default=0)
    if surveys.newest_ms <= limit_ms:
        return max(engaged_ms, surveys.newest_ms)
    return max(engaged_ms, max((one.at_ms for one in given), default=0))


def _champion_gone(kept: Engagements, given: list[Answer], limit_ms: int) -> float | None:
    """Return 1 when the champion left later than one was last met; None when nobody ever spoke of a champion."""
    left_ms = kept.left.get(_CHAMPION, (0, ""))[0]
    if left_ms > limit_ms:
        told = (one.at_ms for one in kept.departures if one.role == _CHAMPION and one.at_ms <= limit_ms)
        left_ms = max(told, default=0)
    if left_ms > _engaged_ms(kept, _CHAMPION, limit_ms):
        return 1.0
    known = left_ms or kept.met.get(_CHAMPION, limit_ms + 1) <= limit_ms or any(one.role == _CHAMPION for one in given)
    return 0.0 if known else None


def _days_since(day: int, at_ms: int) -> float | None:
    return float(max(0, day - at_ms // DAY_MS)) if at_ms else None
