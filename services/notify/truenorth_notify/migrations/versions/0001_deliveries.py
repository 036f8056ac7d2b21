"""Alerts, their deliveries and attempts, the feed, disabled endpoints, the outbox and the consumer's place."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Identity, Integer, LargeBinary, Text, Uuid

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        Column("alert_id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("task_id", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("read_ms", BigInteger, nullable=False),
        Column("resolved_ms", BigInteger, nullable=True),
    )
    op.execute("CREATE INDEX alert_of_task ON alert (task_id) WHERE task_id <> ''")
    op.create_table(
        "feed_entry",
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
    op.execute("CREATE INDEX feed_entry_snoozed ON feed_entry (until_ms) WHERE state = 'snoozed'")
    op.create_table(
        "delivery",
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
        Column("due_ms", BigInteger, nullable=True),
        Column("lease_until_ms", BigInteger, nullable=False, server_default="0"),
        Column("lease_by", Text, nullable=False, server_default=""),
        Column("attempts", Integer, nullable=False, server_default="0"),
    )
    op.execute("CREATE UNIQUE INDEX delivery_once ON delivery (alert_id, channel, recipient, about)")
    op.execute("CREATE INDEX delivery_due ON delivery (channel, due_ms) WHERE due_ms IS NOT NULL")
    op.create_table(
        "attempt",
        Column("delivery_id", Text, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("started_ms", BigInteger, nullable=False),
        Column("took_ms", BigInteger, nullable=False),
        Column("outcome", Text, nullable=False),
        Column("error", Text, nullable=False),
    )
    op.create_table(
        "disabled_endpoint",
        Column("webhook_id", Text, primary_key=True),
        Column("url", Text, primary_key=True),
        Column("disabled_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        Column("position", BigInteger, Identity(always=True), primary_key=True),
        Column("id", Uuid(as_uuid=False), nullable=False, unique=True),
        Column("aggregatetype", Text, nullable=False),
        Column("aggregateid", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
        Column("created_ms", BigInteger, nullable=False),
    )
    op.create_table(
        "consumer_offset",
        Column("consumer", Text, primary_key=True),
        Column("topic", Text, primary_key=True),
        Column("partition", Integer, primary_key=True),
        Column("next_offset", BigInteger, nullable=False),
    )


def downgrade() -> None:
    for table in (
        "consumer_offset",
        "outbox",
        "disabled_endpoint",
        "attempt",
        "delivery",
        "feed_entry",
        "alert",
    ):
        op.drop_table(table)
