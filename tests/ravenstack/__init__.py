"""What the engine says of an outside data set: the figures of docs/ravenstack.md, made anew by ``python -m``."""
