"""Measures, run by hand or by ``make bench``: ``python -m tests.benchmarks`` prints one JSON document.

Every figure stands beside the obvious way to do the same, measured in the same run on the same machine; a
figure from elsewhere means nothing here.
"""
