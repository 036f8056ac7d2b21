"""What playbooks does with records and with time: I/O through ports, decisions by the domain."""
