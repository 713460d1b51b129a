"""The closed vocabulary of reasons that users read in conditions, Events and ``lastError``, a sentence for each.

Where cert-manager has a word for the same thing it is cert-manager's word, so that what people know stays true.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """One word for why; ``sentence`` explains it where no better message is at hand."""

    sentence: str

    def __new__(cls, value: str, sentence: str) -> Self:
        """Keep the sentence beside the word, so that neither can be added without the other."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.sentence = sentence
        return member

    # Why a certificate is issued anew.
    DOES_NOT_EXIST = "DoesNotExist", "The Secret does not exist."
    MISSING_DATA = "MissingData", "The Secret lacks tls.crt or tls.key."
    INVALID_KEY_PAIR = "InvalidKeyPair", "The Secret's tls.key cannot be read or does not belong to its tls.crt."
    INVALID_CERTIFICATE = "InvalidCertificate", "The Secret's tls.crt cannot be read."
    INCORRECT_ISSUER = "IncorrectIssuer", "The Secret was issued by another issuer than the Certificate names."
    INCORRECT_CERTIFICATE = "IncorrectCertificate", "The Secret belongs to another Certificate, which writes it."
    SECRET_MISMATCH = "SecretMismatch", "The Secret's key or certificate is not the one that was issued."
    REQUEST_CHANGED = "RequestChanged", "The Certificate asks for something else than what was issued."
    RENEWING = "Renewing", "The renewal time has come."
    EXPIRED = "Expired", "The certificate has expired."
    NOT_YET_VALID = "NotYetValid", "The certificate is not valid yet."
    REPLACING = "Replacing", "The Secret was not written by certwright and is replaced, as spec.adoption says."
    MANUAL_RENEWAL = "ManualRenewal", "A renewal was requested with the annotation certwright.io/renew."
    REVOKED = "Revoked", "The certificate has been revoked."

    # What stands in the way.
    READY = "Ready", "The certificate is up to date and has not expired."
    SECRET_NOT_OWNED = "SecretNotOwned", "The Secret exists, was not written for this Certificate and is not touched."
    ISSUER_NOT_FOUND = "IssuerNotFound", "The issuer does not exist."
    ISSUER_NOT_READY = "IssuerNotReady", "The issuer is not ready."
    NOT_ALLOWED = "NotAllowed", "The issuer does not allow what the Certificate asks for."
    INVALID_SPEC = "InvalidSpec", "The Certificate asks for something that cannot be put into a request."
    WINDOW_ERROR = "WindowError", "No renewal window opens in time: the renewal comes outside them (an Event only)."
    PENDING = "Pending", "The CA has the request and has not decided yet."
    REJECTED = "Rejected", "The CA refused the request."
    UNREACHABLE = "Unreachable", "The server cannot be reached or does not answer as it should."
    RATE_LIMITED = "RateLimited", "The CA asks for fewer requests, or a limit of the issuer is used up."
    CREDENTIAL_USED = "CredentialUsed", "The one-time credential has been used."
    UNEXPECTED_CERTIFICATE = "UnexpectedCertificate", "The CA issued something else than was asked for."
    FORBIDDEN = "Forbidden", "The API server does not let certwright read or write what it needs."
    SUSPENDED = "Suspended", "spec.suspend is true: nothing is done until it is removed."
    INTERNAL_ERROR = "InternalError", "certwright itself failed; its log has the details."

    # Issuers.
    PROBING = "Probing", "The server is being asked."
    INVALID_CREDENTIALS = (
        "InvalidCredentials",
        "The server does not accept the credentials, or they do not fit together.",
    )
    MISSING_REFERENCE = "MissingReference", "A Secret or ConfigMap that is referred to is missing or lacks a key."
    ACCOUNT_KEY_MISSING = "AccountKeyMissing", "The account is registered, but its key's Secret is gone."
    INVALID_CONFIGURATION = "InvalidConfiguration", "The issuer's settings contradict each other or the server."
    NOT_IMPLEMENTED = "NotImplemented", "This version of certwright cannot do that yet."
