"""HTTP-01 (RFC 8555 §8.3) without pods: the operator itself answers exactly the pending (host, token) pairs.

``solver`` publishes a proof and leads requests to it, ``self_check`` looks at it the way a CA would, and ``responder``
is the web application that answers, on every replica.
"""
