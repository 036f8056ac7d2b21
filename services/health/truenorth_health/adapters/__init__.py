"""Ports fulfilled with real things: the engine's processor, the history rebuild, the verifier."""
