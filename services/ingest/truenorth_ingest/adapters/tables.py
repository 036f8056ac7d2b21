"""The tables of schema ``ingest`` that tell whose account it is; the migrations make them, these query them."""

from typing import Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import ARRAY
from truenorth.postgres.erasures import erasure_table
from truenorth.postgres.offsets import consumer_offset_table
from truenorth.postgres.outbox import outbox_table

METADATA: Final = MetaData()

IDENTITY: Final = Table(
    "identity",
    METADATA,
    Column("lookup", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("learned", BigInteger, nullable=False),
)

HELD_EVENT: Final = Table(
    "held_event",
    METADATA,
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("lookups", ARRAY(Text), nullable=False),
    Column("record", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("held", BigInteger, nullable=False),
)
"""``record`` is the payload of the ``event.held``; ``held`` the broker's clock when it was taken."""

AWAKENED: Final = Table(
    "awakened",
    METADATA,
    Column("lookup", Text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("after_partition", Integer, nullable=False),
    Column("after_offset", BigInteger, nullable=False),
)
"""Lookups whose events are to be looked at again, from behind this place on."""

ERASURE_ASKED: Final = Table(
    "erasure_asked",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("asked_ms", BigInteger, nullable=False),
)

ERASURE_DONE: Final = Table(
    "erasure_done",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("done_ms", BigInteger, nullable=False),
)

ERASURE: Final = erasure_table(METADATA)
OUTBOX: Final = outbox_table(METADATA)
CONSUMER_OFFSET: Final = consumer_offset_table(METADATA)
