"""Readers of what vendors send, built in: pure functions from a parsed webhook to the events it means."""
