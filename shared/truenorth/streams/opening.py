"""Opening a partition: shut out the old owner, mark, restore the changelog up to the mark, find the positions.

The order matters. Reading before fencing misses what the old owner still commits; positions from anywhere but the
changelog belong to another history.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import HaltError
from truenorth.streams.log import Entry, Log, Place, Writer
from truenorth.streams.partition import Restored
from truenorth.streams.records import (
    OPEN_KEY,
    OWN_PART,
    POSITION_KEY,
    OpenMark,
    Position,
    decode_position,
    encode_control,
    split_key,
)

_CONTROL: Final = b"\x00"


async def open_changelog(
    log: Log, place: Place, *, transactional_id: str, owner: str, clock: Clock
) -> tuple[Writer, Restored]:
    """Become the one writer of a changelog partition and return what it says.

    Raises:
        TransientError: somebody else took over meanwhile, or the broker is away.
    """
    writer = await log.open_writer(transactional_id)
    try:
        mark = Entry(OPEN_KEY, encode_control(OpenMark(owner, clock.now_ms())))
        last = (await writer.commit({place: [mark]}))[place]
        return writer, await restore(log, place, last)
    except BaseException:
        await writer.close()
        raise


async def restore(log: Log, place: Place, last: int) -> Restored:
    """Read a changelog partition through the record at offset ``last``; per key the last record wins."""
    parts: dict[str, dict[str, bytes]] = {}
    owns: dict[str, bytes] = {}
    position: Position | None = None
    count = 0
    async for records in log.read_through(place, last):
        count += len(records)
        for record in records:
            key, value = record.key, record.value
            if key is None or key.startswith(_CONTROL):
                if key == POSITION_KEY and value is not None:
                    position = decode_position(value)
                continue
            account, part = split_key(key)
            if part == OWN_PART:
                _set(owns, account, value)
            elif value is not None:
                parts.setdefault(account, {})[part] = value
            elif account in parts:
                _set(parts[account], part, None)
                if not parts[account]:
                    del parts[account]
    return Restored(parts, owns, position, count)


def _set(kept: dict[str, bytes], key: str, value: bytes | None) -> None:
    if value is None:
        kept.pop(key, None)
    else:
        kept[key] = value


def start_positions(
    sources: Sequence[str], number: int, position: Position | None, spans: Mapping[Place, tuple[int, int]]
) -> list[int]:
    """Return the next offset per source; a source never read before begins at its first offset.

    Raises:
        HaltError: a position lies outside of what the log holds, or names a source that is gone.
    """
    known = position.sources if position else {}
    if gone := sorted(set(known) - set(sources)):
        raise HaltError(f"the state was folded from {', '.join(gone)} too, which is no source any more")
    positions = []
    for topic in sources:
        begin, end = spans[topic, number]
        wanted = known.get(topic, begin)
        if wanted < begin:
            raise HaltError(f"{topic}-{number} begins at {begin}, but {wanted} comes next: {begin - wanted} are lost")
        if wanted > end:
            raise HaltError(f"{topic}-{number} ends at {end}, but {wanted} comes next: the topic is not the same one")
        positions.append(wanted)
    return positions
