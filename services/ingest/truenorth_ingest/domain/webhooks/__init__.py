"""Webhooks: who signed them, and what they mean."""
