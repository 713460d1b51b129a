"""Settings for the property tests of the protocols."""

from hypothesis import settings

# A machine that is busy elsewhere is no failure; fifty examples per test keep the suite within seconds.
settings.register_profile("protocols", deadline=None, max_examples=50)
settings.load_profile("protocols")
