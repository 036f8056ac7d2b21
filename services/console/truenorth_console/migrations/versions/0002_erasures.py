"""Requests to forget that were carried out, which are the gravestones too."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("request_id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("account", "kind", "subject", "asked_by")),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("asked_ms", "erased_ms", "done_ms", "revision")),
    )
    op.create_index("erasure_of_subject", "erasure", ["subject", "kind"])
    op.create_table(
        "erasure_done",
        sa.Column("request_id", sa.Text, primary_key=True),
        sa.Column("service", sa.Text, primary_key=True),
        sa.Column("done_ms", sa.BigInteger, nullable=False),
    )
