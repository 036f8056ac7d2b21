"""What playbooks decide, without any I/O: events and a clock reading in, changed rows and words out."""
