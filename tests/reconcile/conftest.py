"""Settings for the property tests of the decisions."""

from hypothesis import settings

# A machine that is busy elsewhere is no failure.
settings.register_profile("reconcile", deadline=None)
settings.load_profile("reconcile")
