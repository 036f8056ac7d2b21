"""Kafka as the house uses it: the one door to aiokafka.

``producer.LanesProducer`` writes, ``consumer.ConsumerLoop`` reads on and on, ``reader.read_topic`` reads once,
``admin`` creates topics from the catalogue. Every reader is read_committed and never resets an offset by itself.
"""

from truenorth.kafka.records import Outgoing, Record, partition_of

__all__ = ["Outgoing", "Record", "partition_of"]
