"""How notify reaches PostgreSQL, a mail server and webhook endpoints."""
