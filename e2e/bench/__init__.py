"""Measures certwright on the embedded control plane against real servers: ``python -m e2e.bench``, or ``make bench``.

Each part (``burst``, ``restart``, ``lone``) plays on a ``stage`` of its own and answers a frozen value with what it
measured; ``messages`` needs none. ``report`` makes the table and build/bench.json of them. ``audit`` also serves the
test of the write budget.
"""
