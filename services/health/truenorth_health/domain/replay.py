"""History: the same pure code under the events' own clock, one point per day."""

from collections.abc import Iterator, Sequence

from truenorth.events import FAMILY_OF_TYPE, Event
from truenorth.events.health import HealthDay
from truenorth.topics import HEALTH_SOURCES

from truenorth_health.domain import bands, snapshot
from truenorth_health.domain.compiled import Compiled
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
    at in its last millisecond. Days before the account was known, and after it left, have no point. Facts are
    taken as known from the start of the history when they were only told later: a name has no past.
    """
    state = new_state(account)
    for event in events:
        if FAMILY_OF_TYPE.get(event.type) == "accounts":
            _know(state, event, from_day)
    band, leaving_ms = "", None
    index = 0
    for day in range(from_day, to_day + 1):
        end_ms = (day + 1) * DAY_MS - 1
        while index < len(events) and events[index].time_ms <= end_ms:
            _fold_then(state, events[index])
            index += 1
        accounts = state.read(Accounts)
        if not accounts.known or accounts.churned or not _has_begun(events, day):
            continue
        view = look(state, compiled, end_ms)
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
