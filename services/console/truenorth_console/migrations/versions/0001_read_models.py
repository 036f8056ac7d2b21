"""Projections of topics (accounts, days, work, the feed, contacts, moments), the audit of actions, the outbox."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Date, Float, Identity, Integer, LargeBinary, Text, Uuid

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
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
    op.execute("CREATE INDEX account_of_owner ON account (owner_id, attention DESC, account)")
    op.create_table(
        "account_days",
        Column("account", Text, primary_key=True),
        Column("days", LargeBinary, nullable=False),
    )
    op.create_table(
        "task",
        Column("task_id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("is_open", Boolean, nullable=False),
        Column("opened_ms", BigInteger, nullable=False),
        Column("payload", LargeBinary, nullable=False),
    )
    op.execute("CREATE INDEX task_of_account ON task (account, opened_ms DESC)")
    op.execute("CREATE INDEX task_open ON task (account) WHERE is_open")
    op.create_table(
        "feed_entry",
        Column("alert_id", Text, primary_key=True),
        Column("recipient", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("revision", Integer, nullable=False),
        Column("state", Text, nullable=False),
        Column("raised_ms", BigInteger, nullable=False),
        Column("changed_ms", BigInteger, nullable=False),
        Column("payload", LargeBinary, nullable=False),
    )
    op.execute("CREATE INDEX feed_of_recipient ON feed_entry (recipient, state, raised_ms DESC)")
    op.execute("CREATE INDEX feed_of_account ON feed_entry (account)")
    op.create_table(
        "contact",
        Column("contact_id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
    )
    op.execute("CREATE INDEX contact_of_account ON contact (account)")
    op.create_table(
        "moment",
        Column("moment_id", Text, primary_key=True),
        Column("account", Text, nullable=False),
        Column("at_ms", BigInteger, nullable=False),
        Column("type", Text, nullable=False),
        Column("rank", BigInteger, nullable=False),
        Column("payload", LargeBinary, nullable=False),
    )
    op.execute("CREATE INDEX moment_of_account ON moment (account, at_ms DESC, rank DESC)")
    op.create_table(
        "audit",
        Column("action_id", Uuid(as_uuid=False), primary_key=True),
        Column("at_ms", BigInteger, nullable=False),
        Column("by", Text, nullable=False),
        Column("account", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("payload", LargeBinary, nullable=False),
    )
    op.execute("CREATE INDEX audit_at ON audit (at_ms)")
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
        "audit",
        "moment",
        "contact",
        "feed_entry",
        "task",
        "account_days",
        "account",
    ):
        op.drop_table(table)
