"""The messages of one transaction, and who protects them: the same from the first to the last (RFC 9483 §3.2)."""

from dataclasses import dataclass, replace
from functools import cached_property

from cryptography import x509

from certwright.issuers.cmp.means import Means
from certwright.issuers.cmp.record import Origin, Record
from certwright.issuers.cmp.recovering import RecoveringClient, template_for
from certwright.model.enrolment import CurrentCertificate, EnrolmentRequest
from certwright.protocols.cmp import CertificateRequest, Granted, Operation, Protection, Recovered, Waiting


@dataclass(frozen=True)  # No slots, as what is read from the record is kept: a key takes a while.
class Asking:
    """Of one transaction."""

    means: Means
    request: EnrolmentRequest
    record: Record

    @cached_property
    def renewed(self) -> CurrentCertificate | None:
        """The certificate being renewed, where it signs."""
        return self.record.signer.read() if self.record.signer is not None else None

    @cached_property
    def client(self) -> RecoveringClient:
        """Whoever protects; raises `EnrolmentError` where its credential is not to be had."""
        return self.means.client(self._protection(), is_renewing=self.record.origin is Origin.CURRENT)

    @property
    def obsolete(self) -> str:
        """Why the staged request can be sent no more; empty if it can."""
        if self.renewed is not None:
            end = self.renewed.leaf.not_valid_after_utc
            return "" if end > self.means.clock() else "The certificate that was to sign its own renewal has expired."
        if self.record.origin is Origin.CERTIFICATE and self.request.credential is None:
            return "The Certificate's own secret, which was to protect the request, is named no longer."
        return ""

    async def send(self) -> Granted | Waiting | Recovered:
        """The first message. Raises what the CMP client raises."""
        request, transaction = self.request, self.record.transaction
        if transaction.operation is Operation.KRR:
            return await self.client.recover(template_for(request, self.means.trust.published), transaction)
        csr, profile = x509.load_der_x509_csr(request.csr), self.means.profile(request.spec)
        if transaction.operation is Operation.P10CR:
            return await self.client.p10cr(csr, profile=profile, transaction=transaction)
        asked = self._asked(csr, profile)
        match transaction.operation:
            case Operation.KUR:
                assert self.renewed is not None  # noqa: S101 - whoever renews is staged
                return await self.client.kur(asked, old=self.renewed.leaf, transaction=transaction)
            case Operation.CR:
                return await self.client.cr(asked, transaction=transaction)
            case _:
                return await self.client.ir(asked, transaction=transaction)

    def _asked(self, csr: x509.CertificateSigningRequest, profile: str | None) -> CertificateRequest:
        spec, key = self.request.spec, self.request.key
        assert key is not None  # noqa: S101 - an enrolment has its key staged
        if spec.cmp is not None and spec.cmp.central_key_generation:
            asked = CertificateRequest.for_central_key(csr, profile=profile)
        else:
            asked = CertificateRequest.from_csr(csr, key=key, profile=profile)
        # A wish: many CAs follow their profile. Counted from what is staged, so that a repeat asks for the same.
        end = self.request.started_at + spec.duration if spec.duration is not None else None
        return replace(asked, template=replace(asked.template, not_after=end))

    def _protection(self) -> Protection:
        credential = self.request.credential
        if self.renewed is not None:
            return self.means.current_protection(self.renewed)
        if self.record.origin is Origin.CERTIFICATE and credential is not None:
            return self.means.own_protection(credential)
        return self.means.issuer_protection()
