"""The parts of a Certificate that say when it is renewed, retried, revoked, adopted and deleted."""

from enum import StrEnum
from typing import Annotated

from pydantic import ConfigDict, Field

from certwright.model.resources.fields import MAX_ITEMS, Duration, ObjectName, Text
from certwright.model.resources.schema import Part, checked, rule, rules


class AcceptChange(StrEnum):
    """What a CA may alter without the certificate being refused."""

    NAMES = "Names"
    VALIDITY = "Validity"
    SUBJECT = "Subject"
    USAGES = "Usages"


class Adoption(StrEnum):
    """What happens to a Secret of that name which certwright did not write."""

    REFUSE = "Refuse"
    ADOPT = "Adopt"
    REPLACE = "Replace"


class Deletion(StrEnum):
    """What happens to the Secret when its Certificate goes."""

    KEEP_SECRET = "KeepSecret"  # noqa: S105 - the word of an enum, no password
    DELETE_SECRET = "DeleteSecret"  # noqa: S105 - the word of an enum, no password


class RenewalPolicy(StrEnum):
    """Whether time renews a certificate."""

    RENEW_BEFORE = "RenewBefore"
    DISABLED = "Disabled"


class RevocationReason(StrEnum):
    """RFC 5280's reason codes, under its names, but removeFromCRL."""

    UNSPECIFIED = "unspecified"
    KEY_COMPROMISE = "keyCompromise"
    CA_COMPROMISE = "cACompromise"
    AFFILIATION_CHANGED = "affiliationChanged"
    SUPERSEDED = "superseded"
    CESSATION_OF_OPERATION = "cessationOfOperation"
    CERTIFICATE_HOLD = "certificateHold"
    PRIVILEGE_WITHDRAWN = "privilegeWithdrawn"
    AA_COMPROMISE = "aACompromise"


class WorkloadKind(StrEnum):
    """Workloads that have a pod template to annotate."""

    DEPLOYMENT = "Deployment"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"


Cron = Annotated[
    str,
    Field(min_length=9, max_length=253),
    checked(r"self.matches(r'^\S+(\s+\S+){4}$')", "write five fields, such as '0 2 * * *' for every night at two"),
]


class RenewalWindow(Part):
    """A recurring time in which renewals may start."""

    cron: Cron = Field(
        description="When the window opens: minute, hour, day of month, month, day of week; numbers, names such as SUN,"
        " lists, ranges and steps. Where both kinds of day are restricted, either will do. A time that the clocks skip"
        " is the moment to which they jump, one that they show twice counts once, the first time."
    )
    window_duration: Duration = Field(description="How long it stays open. At least a minute.")
    timezone: Text | None = Field(
        default=None, description="IANA name of the zone of cron, such as Europe/Berlin. Default: UTC."
    )


class Renewal(Part):
    """Renewal by time."""

    policy: RenewalPolicy | None = Field(
        default=None,
        description="RenewBefore renews by renewBefore or renewBeforePercentage, Disabled never by time."
        " Default: RenewBefore.",
    )
    windows: Annotated[tuple[RenewalWindow, ...], Field(max_length=MAX_ITEMS)] = Field(
        default=(),
        description="Times in which renewals are begun: the window that holds the due time; else the latest before it"
        " that leaves the certificate half of the time until then; else the next one that leaves a tenth of the time"
        " from then to expiry. Certificates that share a window are spread over its first half. Where none comes in"
        " time the renewal is due as if there were no windows, with an Event WindowError. A renewal that its window"
        " has not seen succeed goes on outside. Windows that cannot be read are told in the condition Issuing"
        " (InvalidSpec), and renewals keep to none until that is mended.",
    )


class Retry(Part):
    """Waiting after a rejection. Failures of the network and of the issuer have their own, shorter schedule."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            rule(
                "!has(self.initial) || !has(self.max) || duration(self.initial) <= duration(self.max)",
                "retry.initial must not be longer than retry.max; lower initial or raise max",
            )
        )
    )

    initial: Duration | None = Field(
        default=None, description="Delay after the first rejection; it grows fourfold each time. Default: 1m."
    )
    max: Duration | None = Field(default=None, description="Longest delay. Default: 24h.")


class OnSupersede(Part):
    """Revocation of what a renewal replaced."""

    after: Duration | None = Field(
        default=None,
        description="How long after the renewal the old certificate is revoked. An edit counts from the next renewal"
        " on. Default: 0s, at once.",
    )


class Revocation(Part):
    """When certwright asks the CA to revoke; never unless said here."""

    on_delete: bool = Field(
        default=False,
        description="Whether the certificate is revoked when its Certificate is deleted. A finalizer holds the deletion"
        " until the CA has answered, ten minutes at most; while no operator runs it holds it longer. Default: false.",
    )
    on_supersede: OnSupersede | None = Field(
        default=None,
        description="Present: a renewal revokes the certificate that it replaced. Absent: it does not, and"
        " what was to be revoked later is not revoked any more.",
    )
    reason: RevocationReason | None = Field(
        default=None,
        description="Reason given to the CA. Default: cessationOfOperation on deletion, superseded after a renewal.",
    )


class RolloutTarget(Part):
    """One workload in the Certificate's namespace."""

    kind: WorkloadKind = Field(description="Deployment, StatefulSet or DaemonSet.")
    name: ObjectName = Field(description="Name of the workload.")


class Rollout(Part):
    """Workloads restarted after a renewal."""

    targets: Annotated[tuple[RolloutTarget, ...], Field(min_length=1, max_length=MAX_ITEMS)] = Field(
        description="Workloads of the same namespace; only annotations of their pod template are changed."
    )
