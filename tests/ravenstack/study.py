"""Those who left against those who stayed, on the same days: shares, means and a rank statistic. Plain arithmetic."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import mean, variance

from truenorth.events.health import Band

from tests.ravenstack.book import Account

SPAN_DAYS = 90
LEADS = (90, 60, 30, 14, 7, 1)
BANDS: tuple[Band, ...] = ("green", "yellow", "red", "unknown")
AGE_SLACK_DAYS = 90
Z95 = 1.959964

Pairing = Callable[[Account, Account], bool]
"""Whether a leaver (first) may be compared with a stayer (second)."""


def any_pair(_leaver: Account, _stayer: Account) -> bool:
    """Compare with everybody who was there."""
    return True


def of_like_age(leaver: Account, stayer: Account) -> bool:
    """Compare only with accounts that signed up within three months of the leaver."""
    return abs(leaver.signed_up_day - stayer.signed_up_day) <= AGE_SLACK_DAYS


@dataclass(frozen=True)
class Ranked:
    """The chance that a leaver scored below a stayer on the same day (ties half), with its 95 % interval."""

    leavers: int
    stayers: int
    pairs: int
    chance: float
    low: float
    high: float


@dataclass(frozen=True)
class AtLead:
    """``lead`` days before leaving: mean scores and shares of bands of leavers, and of stayers on the same days."""

    lead: int
    leavers: int
    mean_leavers: float
    mean_stayers: float
    low_leavers: float
    low_stayers: float


def leavers_of(accounts: Iterable[Account]) -> list[Account]:
    """Return the accounts that left for good."""
    return [one for one in accounts if one.left_day is not None]


def score_on(account: Account, day: int) -> float | None:
    """Return the account's score on a day; None when it was not there, or nothing was known."""
    return account.days.get(day, (None, ""))[0]


def at_lead(leavers: Sequence[Account], stayers: Sequence[Account], lead: int) -> AtLead:
    """Compare at ``lead`` days before each leaver left; stayers count once for each leaver's day."""
    mine: list[float] = []
    theirs: list[float] = []
    mine_low: list[float] = []
    theirs_low: list[float] = []
    for one in leavers:
        day = (one.left_day or 0) - lead
        score = score_on(one, day)
        others = [found for other in stayers if (found := score_on(other, day)) is not None]
        if score is None or not others:
            continue
        mine.append(score)
        theirs.append(mean(others))
        mine_low.append(float(one.days[day][1] in {"red", "yellow"}))
        bands = [other.days[day][1] for other in stayers if score_on(other, day) is not None]
        theirs_low.append(mean(float(band in {"red", "yellow"}) for band in bands))
    return AtLead(lead, len(mine), mean(mine), mean(theirs), mean(mine_low), mean(theirs_low))


def ranked(leavers: Sequence[Account], stayers: Sequence[Account], lead: int, may: Pairing = any_pair) -> Ranked:
    """Return the rank statistic; its variance is DeLong's, from the means per leaver and per stayer."""
    per_leaver: list[float] = []
    per_stayer: dict[str, list[float]] = {}
    pairs = 0
    for one in leavers:
        day = (one.left_day or 0) - lead
        score = score_on(one, day)
        if score is None:
            continue
        wins: list[float] = []
        for other in [other for other in stayers if may(one, other)]:
            against = score_on(other, day)
            if against is None:
                continue
            win = 1.0 if score < against else 0.5 if score == against else 0.0
            wins.append(win)
            per_stayer.setdefault(other.name, []).append(win)
        if wins:
            per_leaver.append(mean(wins))
            pairs += len(wins)
    chance = mean(per_leaver)
    means = [mean(wins) for wins in per_stayer.values()]
    error = sqrt(variance(per_leaver) / len(per_leaver) + variance(means) / len(means))
    return Ranked(len(per_leaver), len(means), pairs, chance, chance - Z95 * error, chance + Z95 * error)


def band_days(
    leavers: Sequence[Account], stayers: Sequence[Account]
) -> tuple[dict[Band, float], dict[Band, float], int]:
    """Return the share of days per band in the 90 days before leaving, of both, and how many days leavers had."""
    mine = dict.fromkeys(BANDS, 0.0)
    theirs = dict.fromkeys(BANDS, 0.0)
    count = 0
    for one in leavers:
        last = one.left_day or 0
        for day in range(last - SPAN_DAYS, last):
            there = [other.days[day][1] for other in stayers if day in other.days]
            if day not in one.days or not there:
                continue
            count += 1
            mine[one.days[day][1]] += 1
            for band in BANDS:
                theirs[band] += there.count(band) / len(there)
    return {b: n / count for b, n in mine.items()}, {b: n / count for b, n in theirs.items()}, count


def ever(leavers: Sequence[Account], stayers: Sequence[Account], bands: frozenset[str]) -> tuple[int, int, float]:
    """Return leavers in one of ``bands`` on any of their last 90 days, of how many, and stayers' share likewise."""
    mine: list[bool] = []
    theirs: list[float] = []
    for one in leavers:
        last = one.left_day or 0
        span = range(last - SPAN_DAYS, last)
        own = [one.days[day][1] for day in span if day in one.days]
        others = [
            any(other.days[day][1] in bands for day in span if day in other.days)
            for other in stayers
            if last - 1 in other.days
        ]
        if own and others:
            mine.append(any(band in bands for band in own))
            theirs.append(mean(map(float, others)))
    return sum(mine), len(mine), mean(theirs)
