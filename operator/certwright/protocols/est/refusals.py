"""What a refusal says: a plain text, or a CMC response with a status (RFC 7030 §4.2.3, RFC 8951 §5)."""

from datetime import timedelta

from certwright.protocols.est.cmc import CMCFailure, parse_cmc_failure
from certwright.protocols.est.errors import ESTError
from certwright.protocols.transport import Answer, TransportError, shown

CLIENT_ERROR = 400
TEXT = frozenset({"", "text/plain"})
CMC = frozenset({"application/pkcs7-mime", "application/pkcs7-signature"})


class Refused(ESTError):
    """The server answered 4xx or 5xx in EST's terms. ``text`` is the server's, fit to be shown; it may be empty.

    ``fail_info`` is what a CMC response gives as the reason (RFC 5272 §6.1.4), such as ``badRequest``.
    """

    def __init__(
        self, status: int, text: str, *, fail_info: str | None = None, retry_after: timedelta | None = None
    ) -> None:
        said = ": ".join(part for part in (fail_info or "", text) if part)
        super().__init__(f"HTTP status {status}" + (f" ({said})" if said else ""))
        self.status = status
        self.text = text
        self.fail_info = fail_info
        self.retry_after = retry_after


def refusal(answer: Answer) -> Refused | TransportError:
    """What an answer that is no success means: EST's own refusal, or a status that says nothing in its terms."""
    if answer.status < CLIENT_ERROR:
        return answer.unexpected()
    if answer.media_type in TEXT:
        return Refused(answer.status, _text(answer.body), retry_after=answer.retry_after)
    if answer.media_type in CMC:
        failure = parse_cmc_failure(answer.body) or CMCFailure()
        return Refused(answer.status, failure.text, fail_info=failure.fail_info, retry_after=answer.retry_after)
    return answer.unexpected()


def _text(body: bytes) -> str:
    # A page of somebody's proxy is no text of the EST server, even where it forgot to say what it sends.
    return "" if body.lstrip().startswith(b"<") else shown(body.decode("utf-8", "replace"))
