"""The secret values that a SCEP issuer refers to, resolved, and how its source of challenges is opened with them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import httpx

from certwright.issuers.scep.addresses import TLS, host_of
from certwright.issuers.scep.challenges import ChallengeSource, NDESSource, WebhookSource
from certwright.issuers.scep.challenges.ndes import Account
from certwright.issuers.scep.challenges.source import is_usable
from certwright.issuers.scep.challenges.webhook import Hook
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.model.resources import SCEPIssuer
from certwright.protocols.transport import TransportSettings, UnusableTrust

LIFETIME = timedelta(minutes=50)
"""NDES keeps a password for an hour; what is older than this might expire on the way."""

MAX_OUTSTANDING_AT_NDES = 4
"""NDES keeps five by default (PasswordMax), and one is left for people."""

OpenClient = Callable[[TransportSettings], httpx.AsyncClient]


@dataclass(frozen=True, slots=True, kw_only=True)
class SCEPCredentials:
    """What ``scep.challenge`` refers to: the challenge itself, the account for NDES's page, or the webhook's key."""

    challenge: bytes | None = field(default=None, repr=False)
    ndes_username: bytes = field(default=b"", repr=False)
    ndes_password: bytes = field(default=b"", repr=False)
    webhook_key: bytes | None = field(default=None, repr=False)


def challenge_text(value: bytes) -> str | None:
    """A challenge as it was put into a Secret, without the line end that editors add; None if it cannot be one."""
    try:
        text = value.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return None
    return text if is_usable(text) else None


def issuer_challenge(credentials: SCEPCredentials) -> str | None:
    """The one that serves all Certificates, if there is one."""
    if credentials.challenge is None:
        return None
    text = challenge_text(credentials.challenge)
    if text is None:
        raise IssuerError(
            "The Secret of scep.challenge.secretRef holds no challenge: it must be one line of at most 255 characters.",
            reason=Reason.INVALID_CREDENTIALS,
        )
    return text


def open_source(
    spec: SCEPIssuer,
    credentials: SCEPCredentials,
    *,
    transport: TransportSettings,
    open_client: OpenClient,
    clock: Callable[[], datetime],
) -> ChallengeSource | None:
    """The server that hands out challenges, if the issuer names one. Raises `IssuerError`."""
    challenge = spec.challenge
    if challenge is None:
        return None
    if challenge.ndes is not None:
        host_of(challenge.ndes.url, "scep.challenge.ndes.url", schemes=TLS)
        account = Account(username=_text(credentials.ndes_username), password=_text(credentials.ndes_password))
        return NDESSource(challenge.ndes.url, account, http=open_client(transport), clock=clock)
    if challenge.webhook is not None:
        webhook = challenge.webhook
        host_of(webhook.url, "scep.challenge.webhook.url", schemes=TLS)
        if credentials.webhook_key == b"":
            text = "The key of scep.challenge.webhook.hmacSecretRef is empty."
            raise IssuerError(text, reason=Reason.INVALID_CREDENTIALS)
        hook = Hook(url=webhook.url, key=credentials.webhook_key, ca=spec.url, ca_identifier=spec.ca_identifier or "")
        try:
            http = open_client(replace(transport, roots=webhook.ca_bundle))
        except UnusableTrust as error:
            text = f"scep.challenge.webhook.caBundle: {error}"
            raise IssuerError(text, reason=Reason.INVALID_CONFIGURATION) from error
        return WebhookSource(hook, http=http, clock=clock)
    return None


def outstanding_limit(spec: SCEPIssuer) -> int | None:
    """How many fetched challenges may be unused; None where the source sets no bound."""
    challenge = spec.challenge
    if challenge is None:
        return None
    return challenge.max_outstanding or (MAX_OUTSTANDING_AT_NDES if challenge.ndes is not None else None)


def _text(value: bytes) -> str:
    try:
        text = value.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise IssuerError(
            "The Secret of scep.challenge.ndes.credentialsSecretRef must hold a username and a password, as texts that"
            " are not empty.",
            reason=Reason.INVALID_CREDENTIALS,
        )
    return text
