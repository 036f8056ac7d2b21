"""Do the milestones that were published follow from their decision point?"""

from collections.abc import Iterator

from truenorth.events.health import MilestoneChanged

from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.fold_billing import day_number
from truenorth_health.domain.milestones import Standing, standing
from truenorth_health.domain.path import MilestoneMark
from truenorth_health.domain.state import AccountState
from truenorth_health.domain.verify import NO_RECORD, Difference, equal
from truenorth_health.domain.verify_path import Known
from truenorth_health.domain.view import View


def judge_milestones(
    known: Known, told: dict[str, MilestoneChanged], state: AccountState, view: View, compiled: Compiled
) -> Iterator[Difference]:
    """Every milestone of the account's segment stands where its records say."""
    marks: dict[str, MilestoneMark] = {}
    entitled = compiled.entitled(view.facts)
    for one in compiled.milestones:
        name = one.source.id
        record = told.get(name)
        if one.source.segments and view.segment not in one.source.segments:
            if record is not None:
                yield Difference(f"milestone {name}", record.after, f"not for segment {view.segment!r}")
            continue
        mark = (known.marks or {}).get(name)
        if known.marks is None and record is not None and record.before:
            mark = MilestoneMark(record.before, "")
        now = standing(state, view.facts, one, mark, entitled)
        if now is None:
            continue
        marks[name] = now.mark
        if now.is_left and known.marks is None:  # only a record tells what was left as it stood
            marks[name] = now.mark if record is None else _mark_of(record)
            continue
        if record is not None:
            yield from _progress(record, now, mark, is_known=known.marks is not None)
        elif known.marks is not None:
            yield from _untold(now, mark, is_same=known.definitions in {"", compiled.hash})
    for name in told.keys() - {one.source.id for one in compiled.milestones}:
        yield Difference(f"milestone {name}", told[name].after, "no such milestone in these definitions")
    known.marks = marks


def _mark_of(record: MilestoneChanged) -> MilestoneMark:
    said = record.milestone
    reached_day = None if said.reached_on is None else day_number(said.reached_on)
    return MilestoneMark(said.status, said.version, reached_day, said.late, said.took_days)


def _untold(now: Standing, mark: MilestoneMark | None, *, is_same: bool) -> Iterator[Difference]:
    """A status that passed has a record. Other definitions may have dropped a milestone meanwhile, in silence."""
    status, before = now.progress.status, "" if mark is None else mark.status
    if status == "pending" and not (before and is_same):
        return
    if status != before:
        yield Difference(f"milestone {now.progress.id}", NO_RECORD, f"{before or 'untold'} to {status}")


def _progress(
    record: MilestoneChanged, now: Standing, mark: MilestoneMark | None, *, is_known: bool
) -> Iterator[Difference]:
    name, wanted, said = f"milestone {now.progress.id}", now.progress, record.milestone
    yield from equal(f"{name}.after", record.after, wanted.status)
    for field in wanted.__struct_fields__:
        yield from equal(f"{name}.{field}", getattr(said, field), getattr(wanted, field))
    before = "" if mark is None else mark.status
    may_be = {"", before, "pending"} if before in {"", "pending"} else {"", before}
    if is_known and record.before not in may_be:
        yield Difference(f"{name}.before", record.before, before)
