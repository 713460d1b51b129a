"""Brings a key pair into its Secret without the CA: copied from the former one, or adopted from somebody else's.

Called by ``certificates`` with what `certwright.reconcile.moving` decided, and by ``delivery`` for what is left behind.
Each write stands on the version that was looked at, so that a kill or a change between two of them is only looked at
again.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, assert_never

from certwright.handlers.observation import delivered
from certwright.handlers.reporting import Reporter
from certwright.kube.secrets import Secrets
from certwright.model.keystores import store_names
from certwright.model.metadata import TLS_SECRET_TYPE, ObjectMetadata
from certwright.model.observed import DeliveredSecret, Observed
from certwright.model.tls_secret import pair_of
from certwright.reconcile.certificate import wanted_body
from certwright.reconcile.certificate_status import adopted, settled
from certwright.reconcile.moving import goes
from certwright.reconcile.steps import Adopt, Copy, Retire

ADOPTED = "Adopted"
COPIED = "Copied"

CERT_MANAGER = "cert-manager.io/certificate-name"


class Takeover:
    """Carries such steps out."""

    def __init__(self, *, secrets: Secrets, reporter: Reporter) -> None:
        self._secrets = secrets
        self._reporter = reporter

    async def carry_out(self, step: Copy | Retire | Adopt, observed: Observed) -> None:
        """Do one step; everything must be looked at again afterwards."""
        match step:
            case Copy(former=former):
                await self._copy(observed, former)
            case Retire():
                await self.retire(observed)
            case Adopt():
                await self._adopt(observed, step)
            case _:
                assert_never(step)

    async def _copy(self, observed: Observed, former: DeliveredSecret) -> None:
        there = observed.secret if isinstance(observed.secret, DeliveredSecret) else None
        source = replace(former, type=there.type if there is not None else TLS_SECRET_TYPE)
        written = await self._apply(wanted_body(observed, source), there.metadata if there is not None else None)
        await self.retire(observed)
        certificate = observed.certificate
        status = settled(replace(observed, secret=written), written)
        await self._reporter.certificate(certificate, status, is_announced=False)
        old, new = former.metadata.name, written.metadata.name
        stays = "was deleted" if goes(certificate.spec) else "stays behind"
        note = f"Key and certificate were copied from Secret {old} to Secret {new} without an enrolment; {old} {stays}"
        await self._reporter.secret(certificate.metadata, COPIED, note)

    async def retire(self, observed: Observed) -> None:
        """Delete the Secret under the former name, or let go of it, as ``spec.deletion`` says."""
        former, certificate = observed.former, observed.certificate
        if former is None:
            return
        if goes(certificate.spec):
            await self._secrets.delete(former.metadata)
        elif certificate.metadata.uid in former.owner_uids and pair_of(former) is not None:
            # Bound by an owner reference it would go with the Certificate although it is to stay.
            names = store_names(certificate.spec, former.anchors)
            keystores = {name: former.data[name] for name in names if name in former.data}
            body: dict[str, Any] = {**wanted_body(replace(observed, keystores=keystores), former)}
            body["metadata"] = {**body["metadata"], "name": former.metadata.name}
            await self._apply(body, former.metadata)

    async def _adopt(self, observed: Observed, step: Adopt) -> None:
        certificate, secret = observed.certificate, step.secret
        written = await self._apply(wanted_body(observed, secret), secret.metadata)
        name, why = secret.metadata.name, step.difference
        if why is None:
            await self.retire(observed)
            await self._reporter.certificate(certificate, adopted(observed, written), is_announced=False)
            what = "with the key and certificate in it, without an enrolment"
        else:
            what = f"and a new certificate is issued into it, because {why.message}"
        note = f"Secret {name} was taken over, {what}{_warning(secret)}"
        await self._reporter.secret(certificate.metadata, ADOPTED, note)

    async def _apply(self, body: Mapping[str, Any], there: ObjectMetadata | None) -> DeliveredSecret:
        """Over exactly what was looked at; where there was nothing, something that has appeared is a conflict."""
        pinned = {"uid": there.uid, "resourceVersion": there.resource_version} if there is not None else {}
        meta: dict[str, Any] = {**body["metadata"], **pinned}
        whole = {**body, "metadata": meta}
        return delivered(await self._secrets.apply(meta["namespace"], meta["name"], whole, force=there is not None))


def _warning(secret: DeliveredSecret) -> str:
    """Two operators that write one Secret never come to rest."""
    other = secret.metadata.annotations.get(CERT_MANAGER, "")[:253]
    if not other:
        return ""
    return f". If cert-manager's Certificate {other} still exists, delete it: it would write the Secret again"
