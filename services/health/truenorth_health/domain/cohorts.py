"""Cohorts: how a segment's accounts do with a milestone, counted per partition and summed over all of them."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec
from truenorth.events.health import CohortUpdated

from truenorth_health.domain.path import MilestoneMark, Path

DAYS_MAX: Final = 90
"""What took longer counts as this: the longest deadline."""

Cohort = tuple[str, str]
"""Milestone and segment."""

_OPEN: Final = frozenset({"pending", "at_risk"})
_decode: Final = msgspec.msgpack.Decoder(Path).decode  # all of it: passing over what is not wanted takes longer


class CohortCount(msgspec.Struct):
    """How many accounts of a segment stand where with one milestone; all five add up to those with a start.

    ``took`` is a histogram: days from start to reaching it, `DAYS_MAX` at most -> accounts.
    """

    milestone: str
    segment: str
    pending: int = 0
    at_risk: int = 0
    reached: int = 0
    reached_late: int = 0
    missed: int = 0
    took: dict[int, int] = {}


class PartitionCounts(msgspec.Struct):
    """One partition's share, as it travels on `cohort-counts`.

    ``versions`` are the milestones defined, with the version that was counted; accounts that stand by another one
    are left out, so that the numbers of two definitions are never added up.
    """

    partition: int
    partitions: int
    counted_ms: int
    versions: dict[str, str]
    cohorts: list[CohortCount] = []


class Tally:
    """Counts the accounts of one partition, one stored path after the other."""

    def __init__(self, versions: Mapping[str, str]) -> None:
        self._versions = versions
        self._found: dict[Cohort, CohortCount] = {}

    @property
    def cohorts(self) -> list[CohortCount]:
        """What was counted, by milestone and segment."""
        return [self._found[cohort] for cohort in sorted(self._found)]

    def add(self, cores: Iterable[bytes]) -> None:
        """Count accounts by their encoded paths.

        One that left counts where it had settled by then; had it not, it never had its time. An erased one does not.
        """
        for core in cores:
            path = _decode(core)
            if path.tombstoned:
                continue
            for milestone, mark in path.milestones.items():
                if mark.version == self._versions.get(milestone) and not (path.churned and mark.status in _OPEN):
                    self._count(milestone, path.segment, mark)

    def _count(self, milestone: str, segment: str, mark: MilestoneMark) -> None:
        one = self._found.get((milestone, segment))
        if one is None:
            one = self._found[milestone, segment] = CohortCount(milestone, segment, took={})
        if mark.status == "reached":
            if mark.late:
                one.reached_late += 1
            else:
                one.reached += 1
            if mark.took_days is not None:
                days = min(mark.took_days, DAYS_MAX)
                one.took[days] = one.took.get(days, 0) + 1
        elif mark.status == "missed":
            one.missed += 1
        elif mark.status == "at_risk":
            one.at_risk += 1
        else:
            one.pending += 1


def totals(counts: Mapping[int, PartitionCounts], now_ms: int) -> dict[Cohort, CohortUpdated] | None:
    """Return every cohort with accounts, all partitions summed; None while a partition was not heard.

    A milestone that the partitions count by different versions is None as well: some have not heard of the newest yet.
    """
    if not counts or set(counts) != set(range(max(one.partitions for one in counts.values()))):
        return None
    versions = next(iter(counts.values())).versions
    if any(one.versions != versions for one in counts.values()):
        return None
    summed: dict[Cohort, list[CohortCount]] = {}
    for partition in counts.values():
        for one in partition.cohorts:
            summed.setdefault((one.milestone, one.segment), []).append(one)
    return {cohort: _total(cohort, parts, versions[cohort[0]], now_ms) for cohort, parts in sorted(summed.items())}


def _total(cohort: Cohort, parts: list[CohortCount], version: str, now_ms: int) -> CohortUpdated:
    pending, at_risk = sum(one.pending for one in parts), sum(one.at_risk for one in parts)
    reached, late = sum(one.reached for one in parts), sum(one.reached_late for one in parts)
    missed = sum(one.missed for one in parts)
    took: dict[int, int] = {}
    for one in parts:
        for days, accounts in one.took.items():
            took[days] = took.get(days, 0) + accounts
    settled = reached + late + missed
    return CohortUpdated(
        milestone=cohort[0],
        version=version,
        segment=cohort[1],
        accounts=pending + at_risk + settled,
        pending=pending,
        at_risk=at_risk,
        reached=reached,
        reached_late=late,
        missed=missed,
        settled=settled,
        computed_ms=now_ms,
        share_reached=(reached + late) / settled if settled else None,
        median_days=median(took),
    )


def median(took: Mapping[int, int]) -> int | None:
    """Return the days by which half of them had reached it (the lower of two middles); None for none."""
    left = (sum(took.values()) + 1) // 2
    for days in sorted(took):
        left -= took[days]
        if left <= 0:
            return days
    return None


def key_of(cohort: Cohort) -> str:
    """Return the key of a cohort on its topic: ``activation/enterprise``."""
    return f"{cohort[0]}/{cohort[1]}"
