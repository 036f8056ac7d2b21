"""Records that nobody can read: each is a difference of its own."""

from truenorth.kafka import Record

from truenorth_health.adapters.verify_reports import AccountDifference


class Unreadable:
    """Gathers them for one partition."""

    def __init__(self, partition: int) -> None:
        self._partition = partition
        self.differences: list[AccountDifference] = []

    def note(self, topic: str, record: Record, reason: str) -> None:
        """Take one record of a topic (short name), and why it cannot be read."""
        account = (record.key or b"").decode(errors="replace")
        self.differences.append(
            AccountDifference(
                self._partition,
                account,
                topic,
                f"unreadable: {reason}",
                "a record that health can have written",
                {topic: record.offset},
                "transition",
            )
        )
