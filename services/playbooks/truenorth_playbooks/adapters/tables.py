"""The tables of the schema ``playbooks``, as the migrations leave them."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Integer, LargeBinary, MetaData, Table, Text
from truenorth.postgres.erasures import erasure_table
from truenorth.postgres.leases import lease_columns
from truenorth.postgres.offsets import consumer_offset_table
from truenorth.postgres.outbox import outbox_table

SCHEMA: Final = "playbooks"
METADATA: Final = MetaData()

ACCOUNT: Final = Table(
    "account",
    METADATA,
    Column("account_id", Text, primary_key=True),
    Column("changes_number", BigInteger, nullable=False),
    Column("milestones_number", BigInteger, nullable=False),
    Column("churned", Boolean, nullable=False),
    Column("churn_number", BigInteger, nullable=False),
)

RUN: Final = Table(
    "run",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("playbook", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("dedupe", Text, nullable=False),
    Column("trigger_number", BigInteger, nullable=False),
    Column("triggered_ms", BigInteger, nullable=False),
    Column("opened_ms", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("shadow", Boolean, nullable=False),
    Column("closed_ms", BigInteger),
)

TASK: Final = Table(
    "task",
    METADATA,
    Column("task_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

ALERT: Final = Table(
    "alert",
    METADATA,
    Column("alert_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("raised_ms", BigInteger, nullable=False),
    Column("resolved_ms", BigInteger),
)

TIMER: Final = Table(
    "timer",
    METADATA,
    Column("task_id", Text, primary_key=True),
    Column("account_id", Text, nullable=False),
    *lease_columns(),
)

PLAYBOOK_VERSION: Final = Table(
    "playbook_version",
    METADATA,
    Column("version", Text, primary_key=True),
    Column("playbook", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("first_used_ms", BigInteger, nullable=False),
)

APPLIED_ACTION: Final = Table(
    "applied_action",
    METADATA,
    Column("action_id", Text, primary_key=True),
    Column("applied_ms", BigInteger, nullable=False),
)

ERASURE: Final = erasure_table(METADATA)
OUTBOX: Final = outbox_table(METADATA)
CONSUMER_OFFSET: Final = consumer_offset_table(METADATA)
