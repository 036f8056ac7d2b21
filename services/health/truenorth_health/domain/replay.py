"""History: the same pure code under the events' own clock, one point per day."""

from collections import deque
from collections.abc import Iterator, Sequence

import msgspec
from truenorth.events import FAMILY_OF_TYPE, Event
from truenorth.events.health import HealthDay
from truenorth.events.inputs import AccountUpdated
from truenorth.topics import HEALTH_SOURCES

from truenorth_health.domain import bands, snapshot
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.fold import fold
from truenorth_health.domain.limits import DAY_MS
from truenorth_health.domain.parts import Accounts
from truenorth_health.domain.state import new_state
from truenorth_health.domain.view import look

_SOURCES = {name: index for index, name in enumerate(HEALTH_SOURCES)}


def replay(
    account: str, events: Sequence[Event], compiled: Compiled, *, from_day: int, to_day: int
) -> Iterator[HealthDay]:
    """Yield one reconstructed point per day of ``from_day`` .. ``to_day`` (epoch days, both included).

    ``events`` ascend by event time; each is folded as if it had been recorded when it happened, and a day is looked
    at in its last millisecond. Days before the first event and after the account left have no point. Facts that
    were first told later than the first event count from the first event on: a name has no past.
    """
    if not events:
        return
    state = new_state(account)
    known: set[tuple[str, str]] = set()
    waiting = deque(_facts_first(events))
    begun_day = waiting[0].time_ms // DAY_MS
    band: str = ""
    leaving_ms: int | None = None
    for day in range(max(from_day, begun_day), to_day + 1):
        end_ms = (day + 1) * DAY_MS - 1
        while waiting and waiting[0].time_ms <= end_ms:
            event = waiting.popleft()
            if (event.source, event.id) not in known:  # else the sender's duplicate
                known.add((event.source, event.id))
                fold(state, _SOURCES.get(FAMILY_OF_TYPE.get(event.type, ""), 0), event, event.time_ms)
        accounts = state.read(Accounts)
        view = look(state, compiled, end_ms) if accounts.known and not accounts.churned else None
        if view is None:
            continue
        step = bands.step(
            view.card.source.bands,
            view.card.hold_ms,
            current=band,
            leaving_ms=leaving_ms,
            score=view.score,
            now_ms=end_ms,
            at_once=False,
        )
        band, leaving_ms = step.band, step.leaving_ms
        yield snapshot.health_day(view, account, band, reconstructed=True)


def _facts_first(events: Sequence[Event]) -> list[Event]:
    """Return the events with the first telling of facts moved to the start of the history."""
    first = next((event for event in events if isinstance(event.data, AccountUpdated)), None)
    if first is None or first.time_ms == events[0].time_ms:
        return list(events)
    moved = msgspec.structs.replace(first, time_ms=events[0].time_ms)
    return [moved, *(event for event in events if event is not first)]
