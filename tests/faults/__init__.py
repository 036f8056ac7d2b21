"""Faults on a real broker: workers, broker and disk are killed, stopped and filled while events keep coming.

``python -m tests.faults [NAME...] [--rounds N] [--json]``; docs/operations/faults.md says what each fault does and
how it is judged.
"""
