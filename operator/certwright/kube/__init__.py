"""The only code that talks to the API server: one module per kind of object, each with the RBAC rules it needs.

Plain calls over the official client's transport, JSON in and typed values out; no decisions, no retries beyond what
the API server itself asks for (429 with Retry-After), no cache that a decision could rest on.
"""
