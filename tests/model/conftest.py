"""Settings for the property tests of the model."""

from hypothesis import settings

# A machine that is busy elsewhere is no failure.
settings.register_profile("model", deadline=None)
settings.load_profile("model")
