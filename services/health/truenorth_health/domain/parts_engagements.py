"""The part of an account's state that the engagements source writes; see `parts`.

Times are epoch milliseconds, ``who`` a hash of a contact: empty when nobody was named, or who was has been erased.
"""

from msgspec import Struct


class Held(Struct, array_like=True, gc=False):
    """One engagement; ``who`` is a hash of the contact, empty when nobody was named."""

    at_ms: int
    kind: str
    answered: bool = True
    role: str = ""
    who: str = ""


class Gain(Struct, array_like=True, gc=False):
    """Value recorded once: ``amount`` in thousandths of ``unit``, for an objective or (empty) for none.

    ``confirmed`` when the customer said so.
    """

    at_ms: int
    amount: int
    unit: str
    objective: str = ""
    confirmed: bool = False


class Departure(Struct, array_like=True, gc=False):
    """A contact who left; ``who`` is a hash, empty once erased."""

    at_ms: int
    role: str
    who: str = ""


class Engagements(Struct, array_like=True, gc=False):
    """What was held, aimed at, gained and said; who left.

    ``held`` is the latest engagement per kind and ``met`` the latest answered one per role (0: none was; "": no role
    told), both for ever. ``log``, ``gains`` and ``departures`` are single events of the last 100 days, ``advocated``
    times of the last year, ascending. ``values`` sums what was recorded: objective -> unit -> thousandths.
    """

    held: dict[str, tuple[int, bool]] = {}
    objectives: dict[str, tuple[int, float | None, str]] = {}
    value_events: int = 0
    value_last_ms: int = 0
    advocacy: dict[str, int] = {}
    intent: tuple[int, str] = (0, "")
    left: dict[str, tuple[int, str]] = {}
    met: dict[str, int] = {}
    newest_ms: int = 0
    over: int = 0
    log: list[Held] = []
    reviewed_ms: int = 0
    values: dict[str, dict[str, int]] = {}
    gains: list[Gain] = []
    confirmed_ms: int = 0
    advocated: list[int] = []
    departures: list[Departure] = []
