"""playbooks: reacts to crossings, opens runs, gives people tasks, raises alerts."""
