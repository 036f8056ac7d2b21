"""What the edge does: authenticating a request and taking its events in."""
