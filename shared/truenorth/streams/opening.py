"""Opening a partition: shut out the old owner, mark, restore the changelog up to the mark, find the positions.

The order matters. Reading before fencing misses what the old owner still commits; positions from anywhere but the
changelog belong to another history.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from truenorth.clock import Clock
from truenorth.errors import HaltError
from truenorth.streams.kept import Kept
from truenorth.streams.log import Entry, Log, Place, Writer
from truenorth.streams.records import OPEN_KEY, NewerStateError, OpenMark, Position, encode_control


async def open_changelog(
    log: Log,
    place: Place,
    kept: Kept,
    *,
    transactional_id: str,
    owner: str,
    clock: Clock,
    restoring: Callable[[int], None],
) -> Writer:
    """Become the one writer of a changelog partition, and have ``kept`` take what it says; return the writer.

    ``restoring`` is told how many records were read, again and again.

    Raises:
        TransientError: somebody else took over meanwhile, or the broker is away.
    """
    writer = await log.open_writer(transactional_id)
    try:
        mark = Entry(OPEN_KEY, encode_control(OpenMark(owner, clock.now_ms())))
        last = (await writer.commit({place: [mark]}))[place]
        async for records in log.read_through(place, last):
            kept.take(records)
            restoring(len(records))
            await asyncio.sleep(0)
        for _ in kept.restoring():
            await asyncio.sleep(0)
    except BaseException:
        await writer.close()
        raise
    return writer


def check_schema(position: Position | None, schema: int) -> None:
    """See that a program whose state has this version may go on from a position.

    Raises:
        NewerStateError: a newer program wrote here; going on would lose what this one does not know of.
    """
    if position is not None and position.state_schema > schema:
        raise NewerStateError(
            f"its state was written by version {position.state_schema} of the program, this is version {schema}: "
            "it is left to a newer worker"
        )


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
