"""Runs, tasks, alerts, timers, playbook versions, the outbox and the consumer's place."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def _text(name: str) -> sa.Column:
    return sa.Column(name, sa.Text, nullable=False)


def _big(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.BigInteger, nullable=nullable)


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("account_id", sa.Text, primary_key=True),
        _big("changes_number"),
        _big("milestones_number"),
        sa.Column("churned", sa.Boolean, nullable=False),
        _big("churn_number"),
    )
    op.create_table(
        "run",
        sa.Column("run_id", sa.Text, primary_key=True),
        _text("account_id"),
        _text("playbook"),
        _text("version"),
        _text("dedupe"),
        _big("trigger_number"),
        _big("triggered_ms"),
        _big("opened_ms"),
        _text("state"),
        sa.Column("shadow", sa.Boolean, nullable=False),
        _big("closed_ms", nullable=True),
        sa.CheckConstraint("state IN ('open', 'completed', 'resolved', 'cancelled')", name="run_state"),
    )
    op.create_index(
        "run_one_open",
        "run",
        ["playbook", "account_id", "dedupe"],
        unique=True,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("run_latest", "run", ["account_id", "playbook", "dedupe", sa.text("trigger_number DESC")])
    op.create_table(
        "task",
        sa.Column("task_id", sa.Text, primary_key=True),
        _text("account_id"),
        _text("run_id"),
        _text("status"),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    op.create_index("task_working", "task", ["account_id"], postgresql_where=sa.text("status IN ('open', 'overdue')"))
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.Text, primary_key=True),
        _text("account_id"),
        _text("run_id"),
        _text("task_id"),
        _text("title"),
        _big("raised_ms"),
        _big("resolved_ms", nullable=True),
    )
    op.create_index("alert_standing", "alert", ["account_id"], postgresql_where=sa.text("resolved_ms IS NULL"))
    op.create_table(
        "timer",
        sa.Column("task_id", sa.Text, primary_key=True),
        _text("account_id"),
        _big("due_ms", nullable=True),
        sa.Column("lease_until_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("lease_by", sa.Text, nullable=False, server_default=""),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    )
    op.create_index("timer_due", "timer", ["due_ms"], postgresql_where=sa.text("due_ms IS NOT NULL"))
    op.create_table(
        "playbook_version",
        sa.Column("version", sa.Text, primary_key=True),
        _text("playbook"),
        sa.Column("body", sa.LargeBinary, nullable=False),
        _big("first_used_ms"),
    )
    op.create_table("applied_action", sa.Column("action_id", sa.Text, primary_key=True), _big("applied_ms"))
    op.create_index("applied_action_age", "applied_action", ["applied_ms"])
    op.create_table(
        "outbox",
        sa.Column("position", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("id", sa.Uuid, nullable=False, unique=True),
        _text("aggregatetype"),
        _text("aggregateid"),
        _text("type"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        _big("created_ms"),
    )
    op.create_table(
        "consumer_offset",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("partition", sa.Integer, primary_key=True),
        _big("next_offset"),
    )
