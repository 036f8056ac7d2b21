"""Topics by the times of their records alone: what a broker says of who is silent. Held to the real one's word."""

from collections.abc import Mapping

from truenorth.errors import TransientError


class TopicsInMemory:
    """``is_away`` makes it answer like a broker that does not."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self._times: dict[str, list[int]] = {}

    def send(self, topic: str, at_ms: int) -> None:
        self._times.setdefault(topic, []).append(at_ms)

    def purge(self, topic: str) -> None:
        """Take all records, as retention does."""
        self._times[topic].clear()

    async def silent_topics(self, since_ms: Mapping[str, int]) -> dict[str, int | None]:
        """See `truenorth.kafka.newest.silent_topics`."""
        self.asked += 1
        if any(moment_ms < 0 for moment_ms in since_ms.values()):
            raise ValueError("a moment before 1970")  # as the client does
        if self.is_away:
            raise TransientError("the broker is away")
        return {
            topic: max(self._times[topic], default=None)
            for topic, moment_ms in since_ms.items()
            if topic in self._times and not any(at_ms >= moment_ms for at_ms in self._times[topic])
        }
