"""Java and PKCS#12 keystores beside tls.crt and tls.key: the same bytes for the same pair and password.

``handlers.keystores`` resolves the passwords and calls `rendered` in an executor, for it takes about ten milliseconds.
Nothing here reads a keystore: one that was made elsewhere would decide how long that takes.
"""

from certwright.model.keystores.stores import (
    LONGEST_PASSWORD,
    Passwords,
    objection,
    password_refs,
    rendered,
    store_names,
    wanted_stores,
)

__all__ = ["LONGEST_PASSWORD", "Passwords", "objection", "password_refs", "rendered", "store_names", "wanted_stores"]
