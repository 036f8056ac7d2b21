"""The definitions that decisions name, compiled when they are needed."""

from contextlib import aclosing
from dataclasses import replace
from typing import Final

from truenorth.definitions.bundle import CURRENT_KEY, decode_bundle, decode_current
from truenorth.definitions.model import Bundle
from truenorth.errors import RefusedError
from truenorth.topics import full_name

from truenorth_health.adapters.verify_stored import Read
from truenorth_health.domain.compiled import Compiled
from truenorth_health.domain.usable import usable

_PARTITION: Final = 0


class Bundles:
    """Every bundle on `definitions`, by hash and by what health looks at in it. One for each partition.

    ``ordinals`` says which hash each apply put in force, as far as compaction has left it; ``refused`` which records
    cannot be read.
    """

    def __init__(self, read: Read) -> None:
        self._read = read
        self._bundles: dict[str, Bundle] = {}
        self._compiled: dict[str, Compiled | None] = {}
        self._unknown: set[str] = set()
        self._next_offset = 0
        self.ordinals: dict[int, str] = {}
        self.refused: dict[int, str] = {}

    async def by_hash(self, hash_: str) -> Compiled | None:
        """Return the bundle with this hash, compiled; None when there is none, or none of use."""
        if hash_ not in self._bundles and hash_ not in self._unknown:
            await self._read_on()
        if hash_ in self._bundles:
            return self._compile(hash_)
        self._unknown.add(hash_)
        return None

    async def by_scoring(self, scoring: str, ordinal: int) -> Compiled | None:
        """Return a bundle in which everything that health looks at is the same, under this ordinal."""
        if not self._bundles:
            await self._read_on()
        found = self._scoring(scoring)
        if found is None and scoring not in self._unknown:
            await self._read_on()
            found = self._scoring(scoring)
            self._unknown.add(scoring)
        return None if found is None else replace(found, ordinal=ordinal)

    def _scoring(self, scoring: str) -> Compiled | None:
        compiled = (self._compile(hash_) for hash_ in self._bundles)
        return next((one for one in compiled if one is not None and one.scoring == scoring), None)

    def _compile(self, hash_: str) -> Compiled | None:
        if hash_ not in self._compiled:
            try:
                self._compiled[hash_] = usable(self._bundles[hash_])
            except RefusedError:  # nothing was ever decided with it, or by another version of the program
                self._compiled[hash_] = None
        return self._compiled[hash_]

    async def _read_on(self) -> None:
        async with aclosing(self._read(full_name("definitions"), _PARTITION, self._next_offset)) as records:
            async for record in records:
                self._next_offset = record.offset + 1
                if record.key is None or record.value is None:
                    continue
                try:
                    if record.key == CURRENT_KEY:
                        current = decode_current(record.value)
                        self.ordinals[current.ordinal] = current.hash
                    else:
                        bundle = decode_bundle(record.key, record.value)
                        self._bundles[bundle.hash] = bundle
                        self.ordinals[bundle.ordinal] = bundle.hash
                except RefusedError as error:
                    self.refused[record.offset] = error.message
