"""What a parent account keeps of its children: the latest word of each, and whose last word was good-bye."""

from truenorth.events import Event
from truenorth.events.health import ChildScored

from truenorth_health.domain.limits import CHILDREN_GONE_MAX, CHILDREN_MAX, GRAVESTONE_MS
from truenorth_health.domain.parts import ChildKept, Children
from truenorth_health.domain.state import AccountState


def scored(state: AccountState, event: Event, _time_ms: int, record_ms: int) -> None:
    """Fold ``child.scored``: the highest revision wins, also over a child that has left."""
    data: ChildScored = event.data
    kept = state.write(Children)
    before = kept.by_id.get(data.child)
    left = kept.gone.get(data.child)
    if data.revision <= (before.revision if before is not None else left[0] if left is not None else 0):
        return
    if data.gone:
        kept.by_id.pop(data.child, None)
        _remember(kept, data, record_ms)
    elif before is None and len(kept.by_id) >= CHILDREN_MAX:
        kept.over += 1
    else:
        kept.gone.pop(data.child, None)
        kept.by_id[data.child] = ChildKept(data.revision, data.band, data.score, data.arr, data.depth, record_ms)


def _remember(kept: Children, data: ChildScored, record_ms: int) -> None:
    """Remember until which revision a child is gone, for as long as an older word of it may still be in the log."""
    kept.gone.pop(data.child, None)  # to the end: the order is by when they left
    kept.gone[data.child] = (data.revision, record_ms)
    for child, (_, at_ms) in list(kept.gone.items()):
        if len(kept.gone) <= CHILDREN_GONE_MAX and record_ms - at_ms <= GRAVESTONE_MS:
            break
        del kept.gone[child]
