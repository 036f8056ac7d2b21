"""The read models and the outbox in PostgreSQL."""
