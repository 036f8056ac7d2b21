"""Pure rules of the edge: what is accepted, what is refused and why."""
