"""Probing a SCEP issuer: is this the CA that is meant, what can it do, and what comes after it (RFC 8894 §3.5, §4)."""

from collections.abc import Collection
from dataclasses import dataclass

from cryptography import x509

from certwright.issuers.scep.facts import Facts
from certwright.issuers.scep.failures import weak_answer
from certwright.issuers.scep.means import Means
from certwright.model.chain import fingerprint, is_ca
from certwright.model.enrolment import IssuerReport, LearnedAnchor
from certwright.model.resources import KeyAlgorithm
from certwright.protocols.scep import MalformedAnswer, UntrustedAuthority, WeakAnswer
from certwright.protocols.transport import TransportError

SOURCE = "GetNextCACert"
MAX_LEARNED = 8


@dataclass(frozen=True, slots=True)
class Probe:
    """``algorithms`` are the key algorithms that the issuer allows, None if it allows all."""

    means: Means
    algorithms: Collection[KeyAlgorithm] | None

    async def run(self) -> IssuerReport:
        """Ask the server. Raises `EnrolmentError`, also while its answers to enrolments cannot be read."""
        facts = await self.means.server.refreshed()
        self.means.memory.refuse_blocked()
        learned, remark = await self._learn(facts)
        sentences = (f"{self.means.name} answers for the CA {_name(facts.authority.ca)}.", remark, self._about_ec())
        return IssuerReport(
            message=" ".join(filter(None, sentences)),
            capabilities=facts.capabilities.names,
            ca_certificates=facts.authority.certificates,
            learned=learned,
        )

    async def _learn(self, facts: Facts) -> tuple[tuple[LearnedAnchor, ...], str]:
        """The CA's next certificates beside those that were learned before, and what is to be said about them."""
        now = self.means.clock()
        kept = tuple(anchor for anchor in self.means.learned if anchor.certificate.not_valid_after_utc > now)
        if not facts.capabilities.next_ca_cert:
            return kept, ""
        try:
            following = await self.means.client.get_next_ca_cert(facts.authority)
        except (TransportError, MalformedAnswer):
            return kept, ""  # Announced by servers that have no next CA yet, or never do.
        except WeakAnswer as error:
            return kept, f"Its next CA certificates are not believed: {weak_answer(error, self.means.name)}"
        except UntrustedAuthority as error:
            return kept, f"Its next CA certificates are not believed. {error}"
        found = (one for one in following.certificates if is_ca(one) and one not in facts.authority.certificates)
        by = fingerprint(facts.authority.ca)
        known = {anchor.certificate for anchor in kept}
        new = tuple(LearnedAnchor(certificate=one, source=SOURCE, by=by) for one in found if one not in known)
        return (*kept, *new)[-MAX_LEARNED:], ""

    def _about_ec(self) -> str:
        """Certificates with such keys cannot sign a renewal, and a used challenge does not serve again."""
        allowed = set(KeyAlgorithm if self.algorithms is None else self.algorithms)
        if self.means.has_challenge or allowed <= {KeyAlgorithm.RSA}:
            return ""
        return (
            "Certificates with keys other than RSA need a challenge for each renewal, and the issuer has none: use RSA"
            " keys, or set scep.challenge."
        )


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:200] or f"with the fingerprint {fingerprint(certificate)}"
