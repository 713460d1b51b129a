"""``Certificate.status``: what the operator found and did. Only ``reconcile`` writes it.

Words that this version knows as closed sets are plain strings here, because another version may have written them.
"""

from typing import Annotated

from pydantic import Field

from certwright.model.resources.conditions import Condition
from certwright.model.resources.fields import Instant
from certwright.model.resources.schema import Keywords, Part, StatusPart

Word = Annotated[str, Keywords({"maxLength": 253})]
"""A short string whose bound only the API server checks: reading a status must never fail on it."""

Sentence = Annotated[str, Keywords({"maxLength": 4096})]
Number = Annotated[int, Keywords({"format": "int64", "minimum": 0})]


class IssuedBy(Part):
    """The issuer that really issued."""

    name: Word = Field(description="Name of the issuer.")
    kind: Word = Field(description="Issuer or ClusterIssuer.")
    group: Word = Field(description="API group of the issuer.")


class SecretSeen(Part):
    """The Secret as it was when everything in it was checked."""

    name: Word | None = Field(
        default=None, description="Its name. Another than spec.secretName: what it holds is not under the new name yet."
    )
    type: Word | None = Field(default=None, description="Its type, where it is not kubernetes.io/tls.")
    uid: Word = Field(description="UID of the Secret.")
    resource_version: Word = Field(description="Its resourceVersion.")
    checks: Number | None = Field(default=None, description="Number of the set of checks that it passed.")


class Enrolment(Part):
    """An enrolment under way."""

    protocol: Word = Field(description="acme, est, cmp or scep.")
    phase: Word | None = Field(default=None, description="Step of the protocol that comes next.")
    started_at: Instant | None = Field(default=None, description="When it began.")
    transaction_id: Word | None = Field(default=None, description="The CA's name for it: order URL or transaction.")
    poll_after: Instant | None = Field(default=None, description="When the CA is asked again.")
    message: Sentence | None = Field(default=None, description="What it waits for.")


class Fallback(Part):
    """Whose turn it is instead of the first issuer's."""

    name: Word = Field(description="Name of the issuer that is asked.")
    kind: Word = Field(description="Issuer or ClusterIssuer.")
    since: Instant | None = Field(default=None, description="When its turn began.")
    message: Sentence | None = Field(default=None, description="Why the issuer before it is not asked any more.")


class Window(Part):
    """A span of time."""

    start: Instant = Field(description="Its beginning.")
    end: Instant = Field(description="Its end.")


class RenewalInfo(Part):
    """What the CA advises about renewal (RFC 9773)."""

    window: Window | None = Field(default=None, description="When the CA wants the renewal.")
    explanation_url: Annotated[str, Keywords({"maxLength": 2048})] | None = Field(
        default=None, description="The CA's page about the reason."
    )
    next_check: Instant | None = Field(default=None, description="When the CA is asked again.")


class LastError(Part):
    """The failure that stands in the way."""

    error_class: Word = Field(alias="class", description="Who must act: Transient, Rejected, Issuer or Internal.")
    reason: Word = Field(description="The reason, as in the Ready condition.")
    code: Word | None = Field(default=None, description="The protocol's code, as the server gave it.")
    message: Sentence = Field(default="", description="What happened and what helps.")
    time: Instant | None = Field(default=None, description="When it happened.")


class NextAction(Part):
    """What the operator does next by itself."""

    what: Sentence = Field(description="The action, in words.")
    when: Instant | None = Field(default=None, description="When it is due; absent: when something changes.")


class CertificateStatus(StatusPart):
    """What is there, and what happens next."""

    conditions: Annotated[
        tuple[Condition, ...],
        Keywords({"maxItems": 20, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
    ] = Field(default=(), description="Ready: the Secret holds a good certificate. Issuing: an enrolment is under way.")
    observed_generation: Number | None = Field(
        default=None, description="Generation of the spec that this status describes."
    )
    not_before: Instant | None = Field(default=None, description="When the certificate's validity begins.")
    not_after: Instant | None = Field(default=None, description="When it expires.")
    renewal_time: Instant | None = Field(
        default=None, description="When it is renewed; jitter and windows are part of it."
    )
    revision: Number | None = Field(default=None, description="How many times a certificate was issued.")
    serial_number: Word | None = Field(default=None, description="Serial number in hexadecimal.")
    fingerprint_sha256: Word | None = Field(default=None, description="SHA-256 of the certificate, lower-case hex.")
    chain_sha256: Word | None = Field(
        default=None, description="SHA-256 over the certificates of tls.crt but roots, lower-case hex."
    )
    requested: Annotated[dict[str, Word], Keywords({"maxProperties": 100})] = Field(
        default={},
        description="What was asked of the CA, a digest per field: a later edit of one of them is noticed by it.",
    )
    issuer_ref: IssuedBy | None = Field(default=None, description="The issuer that really issued.")
    protocol: Word | None = Field(default=None, description="Protocol over which it was issued.")
    secret: SecretSeen | None = Field(default=None, description="The Secret as last checked.")
    enrolment: Enrolment | None = Field(default=None, description="Present while an enrolment is under way.")
    fallback: Fallback | None = Field(
        default=None, description="Which of issuerRefs is asked, while it is not the first; absent after a success."
    )
    renewal_info: RenewalInfo | None = Field(default=None, description="The CA's advice on renewal.")
    failed_issuance_attempts: Number | None = Field(
        default=None, description="Failures in a row; absent after a success."
    )
    last_failure_time: Instant | None = Field(default=None, description="When the last of them happened.")
    last_error: LastError | None = Field(default=None, description="The last failure; absent after a success.")
    next_action: NextAction | None = Field(default=None, description="What happens next by itself.")
    used_credential: Word | None = Field(
        default=None,
        description="UID and version of the Secret whose one-time credential was used last; it serves no second time.",
    )
    last_renew_request: Sentence | None = Field(
        default=None, description="Value of the annotation certwright.io/renew that was acted on last."
    )
    last_retry_request: Sentence | None = Field(
        default=None, description="Value of the annotation certwright.io/retry that was acted on last."
    )
