"""A consumer's place, kept in the same transaction as its effects: the database is the truth."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from sqlalchemy import BigInteger, Column, Integer, MetaData, Select, Table, Text, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncConnection


class Placed(Protocol):
    """Anything with a place in a topic; `truenorth.kafka`'s records are."""

    @property
    def topic(self) -> str:
        """The full topic name."""
        ...

    @property
    def partition(self) -> int:
        """The partition number."""
        ...

    @property
    def offset(self) -> int:
        """The offset inside the partition."""
        ...


R = TypeVar("R", bound=Placed)


def consumer_offset_table(metadata: MetaData) -> Table:
    """Declare ``consumer_offset``: per consumer, topic and partition the next offset to apply."""
    return Table(
        "consumer_offset",
        metadata,
        Column("consumer", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
    )


async def load(
    connection: AsyncConnection, table: Table, consumer: str, partitions: Iterable[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Return the next offset of those partitions that have one; the others were never read."""
    wanted = set(partitions)
    rows = await connection.execute(
        select(table.c.topic, table.c.partition, table.c.next_offset).where(table.c.consumer == consumer)
    )
    return {(row.topic, row.partition): row.next_offset for row in rows if (row.topic, row.partition) in wanted}


async def advance(connection: AsyncConnection, table: Table, consumer: str, records: Sequence[R]) -> list[R]:
    """Lock the places of these records, move them past the batch, and return the records not yet applied.

    Whoever lost its partitions in a rebalance while its batch ran waits here for the new owner, finds the
    place moved on, and gets nothing to do. Order is kept.
    """
    highest: dict[tuple[str, int], int] = {}
    for record in records:
        place = (record.topic, record.partition)
        highest[place] = max(highest.get(place, -1), record.offset)
    places = await _locked(connection, table, consumer, sorted(highest))
    await _move(connection, table, consumer, {place: offset + 1 for place, offset in highest.items()})
    return [record for record in records if record.offset >= places[record.topic, record.partition]]


async def _locked(
    connection: AsyncConnection, table: Table, consumer: str, places: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], int]:
    """Lock the rows in one order everywhere, so that two batches never wait for each other in a circle."""
    if not places:
        return {}
    rows = _rows(consumer, dict.fromkeys(places, 0))
    locked = await connection.execute(
        insert(table)
        .from_select(["consumer", "topic", "partition", "next_offset"], rows)
        .on_conflict_do_update(
            index_elements=["consumer", "topic", "partition"], set_={"next_offset": table.c.next_offset}
        )
        .returning(table.c.topic, table.c.partition, table.c.next_offset)
    )
    return {(row.topic, row.partition): row.next_offset for row in locked}


async def _move(
    connection: AsyncConnection, table: Table, consumer: str, next_offsets: dict[tuple[str, int], int]
) -> None:
    if not next_offsets:
        return
    statement = insert(table).from_select(
        ["consumer", "topic", "partition", "next_offset"], _rows(consumer, next_offsets)
    )
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=["consumer", "topic", "partition"],
            set_={"next_offset": func.greatest(table.c.next_offset, statement.excluded.next_offset)},
        )
    )


def _rows(consumer: str, next_offsets: Mapping[tuple[str, int], int]) -> Select[Any]:
    """Return rows from three arrays: one statement text for any number of places, compiled and planned once."""
    places = sorted(next_offsets)
    values = (
        func.unnest(
            literal([topic for topic, _ in places], ARRAY(Text)),
            literal([number for _, number in places], ARRAY(Integer)),
            literal([next_offsets[place] for place in places], ARRAY(BigInteger)),
        )
        .table_valued(Column("topic", Text), Column("partition", Integer), Column("next_offset", BigInteger))
        .render_derived()
    )
    return select(literal(consumer, Text), values.c.topic, values.c.partition, values.c.next_offset)
