"""Where the middle rooms meet: Kopf's events become keys, keys are observed, decided upon and acted on.

The only importer of Kopf. ``application`` puts the parts together; ``cli`` starts it.
"""
