"""How playbooks keeps things in PostgreSQL."""
