"""What the pages show, made from what the topics said; pure."""
