"""The key table in PostgreSQL and the lanes into Kafka."""
