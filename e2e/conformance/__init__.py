"""What a Certificate can ask for, held against every protocol: one table of features, one of drivers.

``features`` says what is asked and what must come of it, ``drivers`` which real server proves it and what cannot be had
there, ``delivered`` how a result is looked at. ``e2e/test_conformance.py`` runs every feature through every driver, and
``matrix`` renders ``docs/reference/support.md`` from the same two tables.
"""
