"""An account's state: parts that are opened from their bytes when touched, and written back when changed."""

from typing import Any, Final, TypeVar

import msgspec
from truenorth.events.people import ErasureAcknowledged

from truenorth_health.domain import parts
from truenorth_health.domain.parts_engagements import Engagements
from truenorth_health.domain.path import Frozen, Path, Points

T = TypeVar("T", bound=msgspec.Struct)

PART_KINDS: Final[dict[str, type[msgspec.Struct]]] = {
    "usage": parts.Usage,
    "usage.names": parts.UsageNames,
    "usage.members": parts.UsageMembers,
    "usage.past": parts.UsagePast,
    "usage.counts": parts.UsageCounts,
    "usage.windows": parts.UsageWindows,
    "tickets": parts.Tickets,
    "billing": parts.Billing,
    "surveys": parts.Surveys,
    "accounts": parts.Accounts,
    "engagements": Engagements,
    "actions": parts.Actions,
    "erasures": parts.Erasures,
    "children": parts.Children,
    "path": Path,
    "path.points": Points,
    "path.frozen": Frozen,
}
"""Part -> struct."""

SCHEMA: Final = 2
"""Version of these structs: raised when a program of the version before could not read them, or would lose a field."""

_NAME_OF: Final[dict[type[Any], str]] = {kind: name for name, kind in PART_KINDS.items()}
_DECODERS: Final[dict[type[Any], Any]] = {kind: msgspec.msgpack.Decoder(kind) for kind in PART_KINDS.values()}
_encode = msgspec.msgpack.Encoder().encode


class AccountState:
    """Everything kept about one account.

    ``causes`` are the bits folded since the last decision, and ``owed`` the acknowledgements of erasures that it is to
    hand out, both in memory only: whoever folds decides in the same turn. ``has_erasures`` spares every event a look
    into a part that hardly any account has.
    """

    __slots__ = ("_live", "_slots", "_touched", "account", "causes", "has_erasures", "owed", "raw")

    def __init__(self, account: str, raw: dict[str, bytes]) -> None:
        self.account = account
        self.raw = raw
        self.causes = 0
        self.owed: list[tuple[str, ErasureAcknowledged]] = []
        self.has_erasures = "erasures" in raw
        self._live: dict[type[Any], Any] = {}
        self._touched: set[type[Any]] = set()
        self._slots: dict[str, int] | None = None

    def read(self, kind: type[T]) -> T:
        """Return the part of this kind, to look at."""
        live: T | None = self._live.get(kind)
        if live is None:
            raw = self.raw.get(_NAME_OF[kind])
            live = kind() if raw is None else _DECODERS[kind].decode(raw)
            self._live[kind] = live
        return live

    def has(self, kind: type[msgspec.Struct]) -> bool:
        """Whether there is anything of this kind: spares decoding, and looking at, what hardly any account has."""
        return _NAME_OF[kind] in self.raw or kind in self._touched

    def write(self, kind: type[T]) -> T:
        """Return the part of this kind, to change: `dump` will encode it."""
        self._touched.add(kind)
        if kind is parts.Erasures:
            self.has_erasures = True
        live: T | None = self._live.get(kind)
        return self.read(kind) if live is None else live

    def replace(self, part: msgspec.Struct) -> None:
        """Put another struct in the place of its kind's part."""
        self._live[type(part)] = part
        self._touched.add(type(part))
        if isinstance(part, parts.Erasures):
            self.has_erasures = True

    def feature_slots(self) -> dict[str, int]:
        """Return feature name -> slot; kept in step by the fold of usage."""
        if self._slots is None:
            names = self.read(parts.UsageNames).features
            self._slots = dict(zip(names, range(len(names)), strict=True))
        return self._slots

    def clear(self) -> None:
        """Forget everything, as if no event had ever come."""
        self.raw = {}
        self.has_erasures = False
        self._live.clear()
        self._touched.clear()
        self._slots = None

    def parts(self) -> dict[str, bytes]:
        """Return the bytes per part; a part that was not changed is the very object it was loaded from."""
        out = dict(self.raw)
        for kind in self._touched:
            out[_NAME_OF[kind]] = _encode(self._live[kind])
        return out

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AccountState) and (self.account, self.parts()) == (other.account, other.parts())

    __hash__ = None  # type: ignore[assignment]  # mutable

    def __repr__(self) -> str:
        return f"AccountState({self.account!r}, {sorted(self.parts())})"


def new_state(account: str) -> AccountState:
    """Return the state of an account that nothing is known of."""
    return AccountState(account, {})


def load(account: str, stored: dict[str, bytes]) -> AccountState:
    """Return the state made of these parts (empty: a new one), which it keeps; nothing is decoded before its touch."""
    return AccountState(account, stored)


def dump(state: AccountState) -> dict[str, bytes]:
    """Return the bytes per part; unchanged parts are the same objects that `load` was given."""
    return state.parts()
