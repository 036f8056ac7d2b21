"""What the handlers need from outside, as protocols."""
