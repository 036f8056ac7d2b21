"""The tables of schema ``console``; the migrations make them, these declarations query them."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Integer, LargeBinary, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY
from truenorth.postgres.erasures import erasure_table
from truenorth.postgres.offsets import consumer_offset_table
from truenorth.postgres.outbox import outbox_table

SCHEMA: Final = "console"
METADATA: Final = MetaData()

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("owner_id", Text, nullable=False),
    Column("band", Text, nullable=False),
    Column("attention", Float, nullable=False),
    Column("arr", BigInteger, nullable=False),
    Column("renews_on", Date, nullable=True),
    Column("phase", Text, nullable=False),
    Column("watermelon", Boolean, nullable=False),
    Column("churned", Boolean, nullable=False),
    Column("computed_ms", BigInteger, nullable=False),
    Column("snapshot", LargeBinary, nullable=False),
)

ACCOUNT_DAYS: Final = Table(
    "account_days",
    METADATA,
    Column("account", Text, primary_key=True),
    Column("days", LargeBinary, nullable=False),
)

TASK: Final = Table(
    "task",
    METADATA,
    Column("task_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

FEED_ENTRY: Final = Table(
    "feed_entry",
    METADATA,
    Column("alert_id", Text, primary_key=True),
    Column("recipient", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("changed_ms", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

CONTACT: Final = Table(
    "contact",
    METADATA,
    Column("contact_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

MOMENT: Final = Table(
    "moment",
    METADATA,
    Column("moment_id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("rank", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

AUDIT: Final = Table(
    "audit",
    METADATA,
    Column("action_id", Uuid(as_uuid=False), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

REFUSAL: Final = Table(
    "refusal",
    METADATA,
    Column("partition", Integer, primary_key=True),
    Column("offset", BigInteger, primary_key=True),
    Column("code", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("key_name", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("recorded_ms", BigInteger, nullable=False),
    Column("original_bytes", BigInteger, nullable=False),
    Column("truncated", Boolean, nullable=False),
    Column("redacted", Boolean, nullable=False),
)

WAITING: Final = Table(
    "waiting",
    METADATA,
    Column("waiting_id", Text, primary_key=True),
    Column("lookup", Text, nullable=False),
    Column("lookups", ARRAY(Text), nullable=False),
    Column("reason", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("oldest_ms", BigInteger, nullable=False),
    Column("newest_ms", BigInteger, nullable=False),
)

LEARNED: Final = Table(
    "learned",
    METADATA,
    Column("lookup", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("learned_ms", BigInteger, nullable=False),
)

ERASURE: Final = erasure_table(METADATA)
ERASURE_DONE: Final = Table(
    "erasure_done",
    METADATA,
    Column("request_id", Text, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("done_ms", BigInteger, nullable=False),
)
OUTBOX: Final = outbox_table(METADATA)
CONSUMER_OFFSET: Final = consumer_offset_table(METADATA)
