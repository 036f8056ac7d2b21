"""The whole platform on one machine, for trying, developing and testing."""
