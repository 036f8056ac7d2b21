"""The stream engine beside others that fold the same events: throughput, restore, latency, memory."""
