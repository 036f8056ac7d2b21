"""Whose account it is: what was learned, what waits for it, erasures, and how far each topic was read."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "identity",
        sa.Column("lookup", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("learned", sa.BigInteger, nullable=False),
    )
    op.create_index("identity_account", "identity", ["account"])
    op.create_table(
        "held_event",
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("offset", sa.BigInteger, primary_key=True),
        sa.Column("lookups", sa.ARRAY(sa.Text), nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
    )
    op.create_index("held_event_lookups", "held_event", ["lookups"], postgresql_using="gin")
    op.create_index("held_event_held", "held_event", ["held"])
    op.create_table(
        "awakened",
        sa.Column("lookup", sa.Text, primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("after_partition", sa.Integer, nullable=False),
        sa.Column("after_offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "erasure",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
        sa.Column("erased_ms", sa.BigInteger, nullable=False),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    op.create_index("erasure_account", "erasure", ["account"])
    op.create_table(
        "erasure_asked",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("asked_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "erasure_done",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "consumer_offset",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        sa.Column("next_offset", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid(as_uuid=False), nullable=False, unique=True),
        sa.Column("aggregatetype", sa.Text, nullable=False),
        sa.Column("aggregateid", sa.Text, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("created_ms", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    tables = ("outbox", "consumer_offset", "erasure_done", "erasure_asked", "erasure")
    for table in (*tables, "awakened", "held_event", "identity"):
        op.drop_table(table)
