"""The limits of the engine, each with its unit in its name."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """How the engine paces itself. The defaults are what was measured."""

    flush_after_s: float = 0.2
    """A flush begins this long after the first change."""
    flush_after_s_max: float = 1.0
    """The same under load: a flush that took long makes the next one wait longer, up to this."""
    poll_s: float = 0.05
    """How long a poll waits for records; also how closely flushes keep their time."""
    poll_records_max: int = 4000
    queued_events_max: int = 50_000
    """Per partition; it is paused above, and goes on below half of it."""
    queued_bytes_max: int = 16 * 1024 * 1024
    """The same in bytes of record values."""
    dirty_accounts_max: int = 5_000
    """The same in accounts with waiting events: what a flush writes grows with them. Slow commits lower it."""
    dirty_accounts_least: int = 200
    """No commit, however slow, lowers it further."""
    commit_s_fine: float = 0.5
    """A commit within this lets flushes grow again."""
    commit_s_slow: float = 2.0
    """A commit that takes longer halves what the next flushes may hold."""
    seen_bytes_max: int = 384 * 1024 * 1024
    """Per worker, for the ids by which a sender's duplicates are known; above it the oldest leave early."""
    slice_accounts: int = 200
    """Accounts between two pauses in which the event loop may do other work, heartbeats above all."""
    slice_s: float = 0.005
    """The same in seconds of work."""
    due_check_s: float = 0.25
    """How often ends are asked for: for lag, and because decisions are made as of a moment up to which all is read."""
    due_accounts_max: int = 1000
    """Per worker, decided because they are due in one round of flushes."""
    silent_s_max: float = 0.1
    """Per worker, seconds of work for accounts without events (due, or to be decided again) in one round of flushes:
    the cuts of its partitions wait for one another, and events that came meanwhile wait for the round."""
    redecide_accounts_per_s: int = 2000
    """Per worker, when all accounts have to be decided again."""
    dead_letters_in_row_max: int = 200
    """Per partition; more halt the worker."""
    dead_letter_ratio_max: float = 0.5
    """Per partition, over the last `dead_letter_window` records; more halt the worker."""
    dead_letter_window: int = 1000
    reopen_after_s: float = 0.2
    """Pause before a dropped partition is opened again; doubles each time, to `reopen_after_s_max`."""
    reopen_after_s_max: float = 5.0
    opening_at_once_max: int = 8
    show_every_s: float = 5.0
    """How often positions are shown as the group's offsets."""
    stuck_s_max: float = 60.0
    """A reader that makes no step for so long although there is something to read is replaced."""
    stop_s_max: float = 5.0
    """How long a stop may take to flush what is in hand."""
    group_instance_id: str | None = None
    """Name of a static member, which keeps its share over a restart; None for none."""
