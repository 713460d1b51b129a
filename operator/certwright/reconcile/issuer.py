"""Decides about an Issuer: whether it can be asked, when it is probed again, what its status says."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from certwright.model.chain import CLOCK_SKEW, fingerprint
from certwright.model.enrolment import IssuerReport
from certwright.model.metadata import ANNOTATION_NEW_ACCOUNT, Key, Kind, ObjectMetadata, metadata_of
from certwright.model.observed import KnownIssuer
from certwright.model.policy import Finding
from certwright.model.reasons import Reason
from certwright.model.resources import (
    ACMEAccount,
    CACertificate,
    ClusterIssuerSpec,
    CredentialSeen,
    IssuerSpec,
    IssuerStatus,
)
from certwright.model.resources.schema import told
from certwright.model.staged import Destination
from certwright.model.wishes import requested
from certwright.reconcile.conditions import find, with_condition

READY = "Ready"
PROBE_INTERVAL = timedelta(hours=6)
"""How often a ready issuer is probed: often enough to notice new terms or a new CA, rarely enough to cost nothing."""


NOT_PROBED = "it has not been probed yet"


def known_issuer(body: Mapping[str, Any]) -> KnownIssuer:
    """An Issuer or ClusterIssuer as a value."""
    kind, metadata = body["kind"], metadata_of(body)
    spec, fault = _readable_spec(kind, body.get("spec") or {})
    status = IssuerStatus.from_api(body.get("status"))
    return KnownIssuer(
        key=Key(kind, metadata.namespace, metadata.name),
        metadata=metadata,
        spec=spec,
        status=status,
        destination=Destination(issuer_uid=metadata.uid, server=server_of(spec), protocol=str(spec.protocol or "")),
        obstacle=fault or _obstacle(metadata, status),
        fault=fault,
    )


def _readable_spec(kind: str, raw: Mapping[str, Any]) -> tuple[IssuerSpec, str | None]:
    """The spec; an empty one, and why, where a newer CRD allowed what this version does not know."""
    model = ClusterIssuerSpec if kind == Kind.CLUSTER_ISSUER else IssuerSpec
    try:
        return model.model_validate(raw), None
    except ValidationError as error:
        return model(), f"this version of certwright cannot read it: {told(error)}"


def server_of(spec: IssuerSpec) -> str:
    """The URL that the issuer's requests go to."""
    if spec.acme is not None:
        return spec.acme.server
    other = spec.est or spec.cmp or spec.scep
    return other.url if other is not None else ""


def _obstacle(metadata: ObjectMetadata, status: IssuerStatus) -> str | None:
    if metadata.is_deleting:
        return "it is being deleted"
    ready = find(status.conditions, READY)
    if ready is None or (ready.observed_generation or 0) < metadata.generation:
        return NOT_PROBED
    return None if ready.status == "True" else (ready.message or ready.reason)


def is_probe_due(issuer: KnownIssuer, now: datetime) -> bool:
    """Whether nothing good is known of this generation, or the knowledge has grown old."""
    last = issuer.status.last_probe
    if issuer.obstacle is not None or last is None or is_new_account_wanted(issuer):
        return True
    return now >= last + PROBE_INTERVAL or last > now + CLOCK_SKEW  # a clock that was ahead must not count for months


def is_new_account_wanted(issuer: KnownIssuer) -> bool:
    """Whether the annotation asks for a new ACME account, and this was not done yet."""
    if issuer.spec.acme is None:
        return False
    asked = requested(issuer.metadata, ANNOTATION_NEW_ACCOUNT)
    done = issuer.status.acme.last_new_account_request if issuer.status.acme else None
    return asked is not None and asked != done


def probed(
    issuer: KnownIssuer, report: IssuerReport, credentials: tuple[CredentialSeen, ...], now: datetime
) -> IssuerStatus:
    """The server answered and the credentials fit; ``credentials`` are those that will expire."""
    return _status(issuer, Finding(Reason.READY, report.message), is_met=True, now=now).model_copy(
        update={
            "capabilities": report.capabilities,
            "ca_certificates": tuple(
                CACertificate(
                    subject=certificate.subject.rfc4514_string()[:1024],
                    not_after=certificate.not_valid_after_utc,
                    fingerprint_sha256=fingerprint(certificate),
                )
                for certificate in report.ca_certificates
            ),
            "acme": _account(issuer, report),
            "credentials": credentials,
            "last_probe": now.replace(microsecond=0),
        }
    )


def _account(issuer: KnownIssuer, report: IssuerReport) -> ACMEAccount | None:
    if not report.account_uri:
        return issuer.status.acme
    before, asked = issuer.status.acme or ACMEAccount(), requested(issuer.metadata, ANNOTATION_NEW_ACCOUNT)
    return before.model_copy(
        update={
            "uri": report.account_uri,
            "server": server_of(issuer.spec),
            "last_new_account_request": before.last_new_account_request if asked is None else asked,
        }
    )


def unready(issuer: KnownIssuer, why: Finding, now: datetime) -> IssuerStatus:
    """It cannot be asked, and this is why."""
    return _status(issuer, why, is_met=False, now=now)


def _status(issuer: KnownIssuer, why: Finding, *, is_met: bool, now: datetime) -> IssuerStatus:
    conditions = with_condition(
        issuer.status.conditions,
        READY,
        is_met=is_met,
        reason=why.reason,
        message=why.message,
        generation=issuer.metadata.generation,
        now=now,
    )
    return issuer.status.model_copy(
        update={
            "conditions": conditions,
            "observed_generation": issuer.metadata.generation,
            "protocol": str(issuer.spec.protocol or ""),
            "url": server_of(issuer.spec),
        }
    )
