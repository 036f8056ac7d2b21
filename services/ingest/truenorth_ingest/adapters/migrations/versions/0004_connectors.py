"""When each connector was last heard, and which of its deliveries were taken."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connector_heard",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.Column("gap_ms", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "delivery_taken",
        sa.Column("connector", sa.Text, primary_key=True),
        sa.Column("delivery", sa.Text, primary_key=True),
        sa.Column("taken", sa.BigInteger, nullable=False),
    )
    op.create_index("delivery_taken_taken", "delivery_taken", ["taken"])


def downgrade() -> None:
    for table in ("delivery_taken", "connector_heard"):
        op.drop_table(table)
