"""What the ACME client raises, beside the transport's own family.

    ACMEError
    ├── Problem           (in problems) the server said no, in a problem document
    └── MalformedAnswer   the server said something that RFC 8555 does not allow

Not for what happens below HTTP, nor for refusals without a problem document: that is ``transport.TransportError``. Not
for an order or a challenge that failed: that is an ordinary answer, with the problem in its ``error``.
"""


class ACMEError(Exception):
    """A fact about what an ACME server answered."""


class MalformedAnswer(ACMEError):
    """The server answered, and what it said cannot be an answer to the question. The text names the field."""
