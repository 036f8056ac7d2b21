"""What notify decides, pure: who gets an alert where, what follows from an attempt, how a feed entry moves."""
