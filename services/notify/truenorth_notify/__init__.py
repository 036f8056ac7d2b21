"""Turns alerts into deliveries: in-app, email, signed webhook."""
