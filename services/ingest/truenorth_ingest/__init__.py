"""The HTTP edge: takes events, refuses what is wrong with a reason, appends the rest to their topics."""
