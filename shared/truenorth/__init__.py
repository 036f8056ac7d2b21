"""The contract of truenorth, and the parts that every service stands on.

What belongs here is used by two services or promised to outsiders. The core (``ids``, ``clock``,
``errors``, ``events``, ``topics``, ``codec``, ``definitions``) needs msgspec and YAML only; everything
else is an extra: ``kafka``, ``streams``, ``postgres``, ``telemetry``, ``lifecycle``, ``logs``,
``settings``, ``entry``, ``commands`` and ``samples``. The core imports none of its extras.
"""
