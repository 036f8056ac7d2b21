"""The event log on Kafka: `truenorth.kafka`'s lanes, which acknowledge or raise."""

from collections.abc import Sequence

from truenorth.kafka.producer import LanesProducer

from truenorth_ingest.ports import OutgoingRecord


class KafkaLog:
    """Appends through one producer whose lanes gather what concurrent requests bring."""

    def __init__(self, producer: LanesProducer) -> None:
        self._producer = producer

    async def append(self, records: Sequence[OutgoingRecord]) -> None:
        """See `truenorth_ingest.ports.EventLog.append`."""
        await self._producer.send_many(records)
