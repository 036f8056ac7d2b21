"""Engines and programs that are wrong in one way each: the simulator must tell them from the right one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from truenorth.errors import TransientError
from truenorth.streams import share
from truenorth.streams.holding import Holding
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry, Log, Place, Writer
from truenorth.streams.memory import MemoryLog, MemoryWriter
from truenorth.streams.partition import Partition
from truenorth.streams.read_until import ReadUntil
from truenorth.streams.records import OPEN_KEY, POSITION_KEY, OpenMark, Position, encode_control, split_key
from truenorth.streams.seen_ids import PREFIX
from truenorth.streams.turns import Cut

from tests.simulation.program import Path, Program, State, is_guest

Entries = Mapping[Place, Sequence[Entry]]

_commit = MemoryWriter.commit
_send = MemoryWriter._send
_cut = Partition.cut
_spans = MemoryLog.spans


def _apart(belongs: Callable[[bytes], bool], *, first: bool) -> Any:
    """Return a commit that writes some records in a transaction of their own, before or after the others."""

    async def commit(self: MemoryWriter, entries: Entries) -> Mapping[Place, int]:
        some = {place: [one for one in of if belongs(one.key or b"")] for place, of in entries.items()}
        rest = {place: [one for one in of if not belongs(one.key or b"")] for place, of in entries.items()}
        lasts: dict[Place, int] = {}
        for part in (some, rest) if first else (rest, some):
            if any(part.values()):
                lasts |= await _commit(self, part)
        return lasts

    return commit


def _is_position(key: bytes) -> bool:
    return key == POSITION_KEY


def _is_seen(key: bytes) -> bool:
    return not key.startswith(b"\x00") and split_key(key)[1].startswith(PREFIX)


@contextmanager
def positions_before_the_transaction() -> Iterator[None]:
    with patch.object(MemoryWriter, "commit", _apart(_is_position, first=True)):
        yield


@contextmanager
def positions_after_the_transaction() -> Iterator[None]:
    with patch.object(MemoryWriter, "commit", _apart(_is_position, first=False)):
        yield


@contextmanager
def seen_ids_outside_the_transaction() -> Iterator[None]:
    with patch.object(MemoryWriter, "commit", _apart(_is_seen, first=False)):
        yield


@contextmanager
def positions_taken_late() -> Iterator[None]:
    """Positions are read after the accounts were worked through."""

    async def cut(self: Partition[Any], **told: Any) -> Cut:
        made = await _cut(self, **told)
        sources = dict(zip(self._sources, self.positions, strict=True))
        late = Position(self._flush_number, sources, made.now_ms, self._decided, self._processor.schema)
        made.changelog[-1] = Entry(POSITION_KEY, encode_control(late))
        return made

    with patch.object(Partition, "cut", cut):
        yield


@contextmanager
def reading_before_fencing() -> Iterator[None]:
    """The changelog is read to its end first, then the old owner is shut out."""

    async def open_changelog(log: Log, place: Place, kept: Kept, **told: Any) -> Writer:
        _, end = (await log.spans([place]))[place]
        async for records in log.read_through(place, end - 1):
            kept.take(records)
        kept.restored()
        writer = await log.open_writer(told["transactional_id"])
        await writer.commit({place: [Entry(OPEN_KEY, encode_control(OpenMark(told["owner"], 0)))]})
        return writer

    with patch.object(share, "open_changelog", open_changelog):
        yield


class _Again:
    """A writer that is opened when it is needed."""

    def __init__(self, log: Log, transactional_id: str) -> None:
        self._log = log
        self._id = transactional_id
        self._writer: Writer | None = None

    async def commit(self, entries: Entries) -> Mapping[Place, int]:
        self._writer = self._writer or await self._log.open_writer(self._id)
        return await self._writer.commit(entries)

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer.close()


@contextmanager
def continuing_from_memory_after_a_failed_commit() -> Iterator[None]:
    """A partition whose flush failed gets another writer, and goes on with what it has in memory."""

    def drop(self: Holding[Any], number: int, error: BaseException, now_s: float) -> None:
        del now_s
        if not isinstance(error, TransientError):
            raise error
        held = self.open[number]
        held.writer = _Again(self._opener._log, f"{self._opener._group}-{number}")
        held.paused = True

    with patch.object(Holding, "drop", drop):
        yield


@contextmanager
def deliveries_not_checked() -> Iterator[None]:
    """A transaction is committed although some of its records were not delivered."""

    async def send(self: MemoryWriter, place: Place, records: Sequence[Entry]) -> int:
        last = await _send(self, place, records)
        return self._broker.ends[place] - 1 if last is None else last

    with patch.object(MemoryWriter, "_send", send):
        yield


@contextmanager
def group_offsets_as_truth() -> Iterator[None]:
    """Reading begins where the group's offsets are, not where the changelog says."""

    async def spans(self: MemoryLog, places: Sequence[Place]) -> Mapping[Place, tuple[int, int]]:
        shown = self._broker.shown
        return {place: (shown.get(place, first), end) for place, (first, end) in (await _spans(self, places)).items()}

    def start(
        sources: Sequence[str], number: int, position: object, spans: Mapping[Place, tuple[int, int]]
    ) -> list[int]:
        del position
        return [spans[topic, number][0] for topic in sources]

    with patch.object(MemoryLog, "spans", spans), patch.object(share, "start_positions", start):
        yield


@contextmanager
def due_times_while_behind() -> Iterator[None]:
    """What was on the log at a moment counts as read when its ends are known."""

    def see(self: ReadUntil, positions: Mapping[Place, int]) -> None:
        del positions
        while self._aims:
            self.ms = max(self.ms, self._aims.popleft()[0])

    with patch.object(ReadUntil, "see", see):
        yield


class NoGravestone(Program):
    """Forgets an erased account."""

    def dump(self, state: State) -> dict[str, bytes]:
        erased = state.path.erased_ms and not is_guest(state.account) and not any(state.events)
        return {} if erased else super().dump(state)


class DefinitionsWithoutOrder(Program):
    """Decides with whatever definitions it knows."""

    def may_decide(self, path: Path) -> bool:
        del path
        return True
