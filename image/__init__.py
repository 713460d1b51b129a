"""The container image, made without Docker: an OCI archive from Debian's packages and the locked Python packages.

``python -m image`` (``make image``) is the caller. ``debian`` makes the layer with Python, ``application`` the layer
with the operator, ``archive`` puts layers into what every registry and node takes, ``bill`` lists what is in it.
Those who have Docker or buildah use ``operator/Dockerfile``, which makes the same image.

Two builds of one commit on one day are the same bytes: whatever varies (times, owners, orders) is set.
"""
