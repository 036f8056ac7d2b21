"""What the edge refused, what waits for its account, and which of that has found it."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Integer, Text
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "refusal",
        Column("partition", Integer, primary_key=True),
        Column("offset", BigInteger, primary_key=True),
        *(Column(name, Text, nullable=False) for name in ("code", "route", "field", "key_id", "key_name")),
        *(Column(name, Text, nullable=False) for name in ("message", "original")),
        *(Column(name, BigInteger, nullable=False) for name in ("recorded_ms", "original_bytes")),
        *(Column(name, Boolean, nullable=False) for name in ("truncated", "redacted")),
    )
    op.execute("CREATE INDEX refusal_at ON refusal (recorded_ms DESC)")
    op.execute("CREATE INDEX refusal_alike ON refusal (code, route, field, key_id, recorded_ms DESC)")
    op.create_table(
        "waiting",
        Column("waiting_id", Text, primary_key=True),
        Column("lookup", Text, nullable=False),
        Column("lookups", ARRAY(Text), nullable=False),
        Column("reason", Text, nullable=False),
        *(Column(name, BigInteger, nullable=False) for name in ("events", "oldest_ms", "newest_ms")),
    )
    op.execute("CREATE INDEX waiting_at ON waiting (newest_ms DESC)")
    op.create_table(
        "learned",
        Column("lookup", Text, primary_key=True),
        Column("account", Text, primary_key=True),
        Column("learned_ms", BigInteger, nullable=False),
    )
    op.execute("CREATE INDEX learned_at ON learned (learned_ms)")
    op.execute("CREATE INDEX learned_of_account ON learned (account)")
