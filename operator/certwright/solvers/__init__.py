"""How a name is proved to an ACME server: one folder per challenge type, one module per DNS provider.

Everything here implements `certwright.model.solving` and is composed by ``registry`` from an issuer's ``solvers``;
the driver in ``certwright.issuers`` sees nothing but the interface. Solvers look at the world the way a CA does, and
what they need of the cluster is handed in: no solver talks to the API server.
"""
