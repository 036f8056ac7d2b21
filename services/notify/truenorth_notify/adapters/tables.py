"""The tables of schema ``notify``; the migrations make them, these declarations query them."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from truenorth.postgres.erasures import erasure_table
from truenorth.postgres.leases import lease_columns
from truenorth.postgres.offsets import consumer_offset_table
from truenorth.postgres.outbox import outbox_table

SCHEMA: Final = "notify"

METADATA: Final = MetaData()

ALERT: Final = Table(
    "alert",
    METADATA,
    Column("alert_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("read_ms", BigInteger, nullable=False),
    Column("resolved_ms", BigInteger, nullable=True),
)

FEED_ENTRY: Final = Table(
    "feed_entry",
    METADATA,
    Column("alert_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("until_ms", BigInteger, nullable=True),
    Column("not_useful", Boolean, nullable=False),
)

DELIVERY: Final = Table(
    "delivery",
    METADATA,
    Column("delivery_id", Text, primary_key=True),
    Column("alert_id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    *lease_columns(),
)

ATTEMPT: Final = Table(
    "attempt",
    METADATA,
    Column("delivery_id", Text, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_ms", BigInteger, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text, nullable=False),
)

DISABLED_ENDPOINT: Final = Table(
    "disabled_endpoint",
    METADATA,
    Column("webhook_id", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    Column("disabled_ms", BigInteger, nullable=False),
)

ERASURE: Final = erasure_table(METADATA)
OUTBOX: Final = outbox_table(METADATA)
CONSUMER_OFFSET: Final = consumer_offset_table(METADATA)
