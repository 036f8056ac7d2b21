"""Account after account: the fold of the log against the stored parts, and the present point."""

import struct
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from truenorth.errors import HaltError
from truenorth.streams.records import NO_OFFSET, NewerStateError, Own
from truenorth.topics import HEALTH_SOURCES

from truenorth_health.adapters.processor import AccountProcessor
from truenorth_health.adapters.verify_bundles import Bundles
from truenorth_health.adapters.verify_outputs import Snapshot
from truenorth_health.adapters.verify_refold import NEVER_MS, Refold
from truenorth_health.adapters.verify_reports import AccountDifference, Kind
from truenorth_health.adapters.verify_stored import Stored
from truenorth_health.adapters.verify_transitions import Later, TransitionJudge, judged, shown
from truenorth_health.domain import parts as kinds
from truenorth_health.domain.gone import is_erased
from truenorth_health.domain.path import Path
from truenorth_health.domain.state import AccountState, load
from truenorth_health.domain.verify import Difference, compare, kind_of, unreadable
from truenorth_health.domain.verify_path import Known
from truenorth_health.domain.verify_present import against_records, against_snapshot, decided_again, is_waiting


class Accounts:
    """The accounts of one partition. ``out_of_reach`` counts fields per source and kind of field.

    ``early`` met a duplicate that the engine may have let through, ``lost`` have transitions past retention,
    ``unnamed`` counts those whose definitions are not known any more.
    """

    def __init__(
        self, partition: int, stored: Stored, refold: Refold, bundles: Bundles, processor: AccountProcessor
    ) -> None:
        self._processor = processor
        self._partition = partition
        self._stored = stored
        self._refold = refold
        self._bundles = bundles
        self._paths: dict[str, tuple[int, int]] = {}
        self.count = len(stored.accounts)
        self.differences: list[AccountDifference] = []
        self.later: list[Later] = []
        self.out_of_reach: dict[str, Counter[str]] = {}
        self.early: set[str] = set()
        self.lost: set[str] = set()
        self.waiting = 0
        self.unjudged = 0
        self.unnamed = 0

    def number_of(self, account: str) -> int:
        """Return the number of the account's last stored transition."""
        return self._path_of(account)[0]

    async def judge(self, judge: TransitionJudge, snapshots: Mapping[str, Snapshot]) -> None:
        """Judge all accounts that are stored, that events speak of, or that anything was published about."""
        stored = self._stored.accounts
        for account in sorted({*stored, *self._refold.parts, *judge.known, *snapshots}):
            await self._account(account, judge, snapshots.get(account))

    def catch_up(self, later: Iterable[Later]) -> None:
        """Look at what seemed to be published too early, now that the changelog was read on."""
        self._paths.clear()
        for one in later:
            number, revision = self._path_of(one.account)
            last = revision if one.topic == "health" else number
            if one.number > last:
                name = "revision" if one.topic == "health" else "number"
                self._add(
                    one.account,
                    [Difference(name, one.number, f"{last}: the stored path has not come that far")],
                    {one.topic: one.offset},
                    "present",
                )

    def _path_of(self, account: str) -> tuple[int, int]:
        found = self._paths.get(account)
        if found is None:
            try:
                path = load(account, self._parts(account)[1]).read(Path)
            except msgspec.MsgspecError:
                path = Path(number=NEVER_MS, revision=NEVER_MS)  # the part is told to be broken; that is enough
            found = self._paths[account] = path.number, path.revision
        return found

    def _parts(self, account: str) -> tuple[Own | None, dict[str, bytes]]:
        try:
            own = self._stored.own(account)
        except (struct.error, HaltError):
            return None, {"path": b""}
        parts = self._stored.parts(account, own)
        if own is not None and own.schema > self._processor.schema:
            raise NewerStateError(
                f"account {account!r} was written in version {own.schema} of the state; this program knows"
                f" {self._processor.schema}: use the newer program's verify"
            )
        if own is not None and own.schema < self._processor.schema:
            parts = self._processor.migrate(parts, own.schema)
        return own, parts

    async def _account(self, account: str, judge: TransitionJudge, snapshot: Snapshot | None) -> None:
        own, parts = self._parts(account)
        offsets = _named(own)
        if broken := list(unreadable(parts)):
            self._add(account, broken, offsets, "state")
            return
        missing = self._fold(account, own, parts)
        provisional = judge.provisional.get(account, [])
        if account not in self.early:
            kept = list(judged(provisional, missing, self._refold.begins_ms))
            self.differences += kept
            counted = {one.field.partition(":")[0] for one in kept}
            self.unjudged += len({one.difference.field.partition(":")[0] for one in provisional} - counted)
        await self._present(account, own, parts, judge, snapshot, is_whole=not missing)

    def _fold(self, account: str, own: Own | None, parts: dict[str, bytes]) -> list[str]:
        """Compare the fold with the stored parts; return the fields that are out of reach."""
        refolded = self._refold.state(account)
        found = compare(load(account, dict(parts)), refolded, self._refold.begins_ms)
        for name in found.out_of_reach:
            source, kind = kind_of(name)
            self.out_of_reach.setdefault(source, Counter())[kind] += 1
        if account in self._refold.duplicates and account in self._stored.early:
            self.early.add(account)
            return found.out_of_reach
        self._add(account, [*found.differences, *self._strays(account, own)], _named(own), "state")
        return found.out_of_reach

    def _strays(self, account: str, own: Own | None) -> Iterable[Difference]:
        return () if own is None else self._refold.strays(account, _named(own))

    async def _present(
        self,
        account: str,
        own: Own | None,
        parts: dict[str, bytes],
        judge: TransitionJudge,
        snapshot: Snapshot | None,
        *,
        is_whole: bool,
    ) -> None:
        state = load(account, dict(parts))
        path = state.read(Path)
        known = judge.known.get(account, Known())
        shown_now = None if snapshot is None else snapshot.shown
        places = _named(own) if snapshot is None else {"health": snapshot.offset, **_named(own)}
        if snapshot is not None and shown_now is not None and shown_now.revision > path.revision:
            self.later.append(Later(account, "health", snapshot.offset, shown_now.revision))
        found = list(against_snapshot(state, shown_now))
        if known.number < path.number:
            found += self._missing(account, known, path, judge)
        elif is_whole and account not in self.early and not is_erased(state):
            found += against_records(state, known)
        silent = {} if shown_now is None else shown_now.point.silent
        found += await self._again(account, own, parts, state, silent)
        self._add(account, found, places, "present")

    def _missing(self, account: str, known: Known, path: Path, judge: TransitionJudge) -> list[Difference]:
        if not judge.is_reached(known):
            self.lost.add(account)
            return []
        first, last = known.number + 1, path.number
        said = f"{first}" if first == last else f"{first} to {last}"
        return [Difference("number", path.number, f"{said}: not on health-changes or milestones")]

    async def _again(
        self,
        account: str,
        own: Own | None,
        parts: dict[str, bytes],
        state: AccountState,
        silent: Mapping[str, int],
    ) -> Sequence[Difference]:
        """Decide once more at the stored point."""
        path = state.read(Path)
        if is_erased(state) or not state.read(kinds.Accounts).known or not path.scoring:
            return ()
        if is_waiting(state):
            self.waiting += 1
            return ()
        compiled = await self._bundles.by_scoring(path.scoring, path.ordinal)
        if compiled is None:
            self.unnamed += 1
            return ()
        return list(decided_again(account, parts, compiled, _named(own), silent))

    def _add(self, account: str, found: Iterable[Difference], offsets: Mapping[str, int], kind: Kind) -> None:
        self.differences += [
            AccountDifference(
                self._partition, account, one.field, shown(one.stored), shown(one.refolded), dict(offsets), kind
            )
            for one in found
        ]


def _named(own: Own | None) -> dict[str, int]:
    if own is None:
        return {}
    pairs = zip(HEALTH_SOURCES, own.offsets, strict=False)
    return {name: offset for name, offset in pairs if offset != NO_OFFSET}
