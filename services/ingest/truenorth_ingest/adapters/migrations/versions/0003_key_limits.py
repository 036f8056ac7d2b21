"""A second live secret per key, and a rate of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_key", sa.Column("next_hash", sa.LargeBinary))
    op.add_column("api_key", sa.Column("next_created", sa.BigInteger))
    op.add_column("api_key", sa.Column("events_per_second", sa.Integer))


def downgrade() -> None:
    for column in ("events_per_second", "next_created", "next_hash"):
        op.drop_column("api_key", column)
