"""What a reader of the definitions topic knows: all bundles so far and the one in force. Pure."""

from truenorth.definitions import bundle
from truenorth.definitions.model import Bundle
from truenorth.errors import RefusedError


class Shelf:
    """Every bundle read so far, and which is in force. A bad record never replaces a good one."""

    def __init__(self) -> None:
        self._bundles: dict[str, Bundle] = {}
        self._current: Bundle | None = None

    @property
    def current(self) -> Bundle | None:
        """The bundle in force; None before the first apply."""
        return self._current

    def bundle(self, hash_: str) -> Bundle | None:
        """Return the bundle with this hash, in force or not; None when it was never seen."""
        return self._bundles.get(hash_)

    def older(self) -> list[Bundle]:
        """Return the bundles applied before the one in force, the newest first."""
        current = self._current
        found = [one for one in self._bundles.values() if current is not None and one.ordinal < current.ordinal]
        return sorted(found, key=lambda one: one.ordinal, reverse=True)

    def take(self, key: bytes | None, value: bytes | None) -> bool:
        """Take one record; return whether another bundle is now in force. A tombstone changes nothing.

        Raises:
            RefusedError: when the record is bad; what was known before stays in force.
        """
        if key is None or value is None:
            return False
        if key != bundle.CURRENT_KEY:
            taken = bundle.decode_bundle(key, value)
            self._bundles[taken.hash] = taken
            return False
        record = bundle.decode_current(value)
        known = self._bundles.get(record.hash)
        if known is None:
            raise RefusedError("bundle_missing", f"bundle {record.hash} is to be in force but cannot be read")
        if self._current is not None and record.ordinal <= self._current.ordinal:
            return False
        self._current = Bundle(record.hash, record.ordinal, record.applied_ms, known.definitions)
        return True
