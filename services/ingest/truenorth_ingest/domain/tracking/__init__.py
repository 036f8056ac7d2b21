"""The calls of Segment-compatible SDKs: what they are, whose they are, when they were, and what they mean."""
