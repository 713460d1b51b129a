"""What the fake server's CA does with a request: it checks, issues, revokes, recovers and informs."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import core
from asn1crypto import x509 as names
from asn1crypto.cms import ContentInfo
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_public_key
from cryptography.x509.oid import NameOID

from certwright.protocols import cms
from certwright.protocols.cmp import CertTemplate, asn1
from tests.fakes.cmp.authority import FakeAuthority, Pair
from tests.fakes.cmp.messages import RefusalError, Request, is_signed
from tests.fakes.cmp.refusing import FakeTransaction, Refuse, status_info

OLD_CERT_ID = "1.3.6.1.5.5.7.5.1.5"
ACCEPTED = 0
RESPONSES = {"ir": "ip", "cr": "cp", "kur": "kup", "p10cr": "cp", "krr": "krp", "rr": "rp", "genm": "genp"}


@dataclass(slots=True)
class Office:
    """As the server is set at the moment of a request."""

    authority: FakeAuthority
    secrets: dict[str, bytes]
    key_signer: Pair
    encrypts_for: x509.Certificate | None
    public_key: Any
    status: int
    infos: dict[str, Any]

    def granted(self, transaction: FakeTransaction, cert_req_id: int) -> Any:
        transaction.cert_req_id = cert_req_id
        request = transaction.request
        match request.body.name:
            case "rr":
                return self._revoked(request)
            case "genm":
                return self._informed(request)
            case "krr":
                return self._recovered(request)
            case "p10cr":
                return self._issued(transaction, *self._csr(request), request)
        return self._issued(transaction, *self._template(request), request, not_after=self._wished_end(request))

    def _issued(
        self,
        transaction: FakeTransaction,
        subject: x509.Name,
        key: Any,
        extensions: bytes | None,
        request: Request,
        *,
        not_after: datetime | None = None,
    ) -> Any:
        made = isinstance(key, str)
        private = self.authority.make_key(key) if made else None
        public_key = self.public_key or (private.public_key() if private else key)
        certificate = self.authority.issue(subject, public_key, extensions, not_after=not_after)
        pair: dict[str, Any] = {"certOrEncCert": ("certificate", _carried(certificate))}
        if private is not None:
            self.authority.archive[certificate.serial_number] = Pair(certificate, private)
            pair["privateKey"] = ("envelopedData", self._enveloped(private, request))
        transaction.certificate = certificate
        response = {
            "certReqId": transaction.cert_req_id,
            "status": {"status": self.status},
            "certifiedKeyPair": pair,
        }
        content: dict[str, Any] = {"response": [response]}
        if request.body.name == "ir":
            content["caPubs"] = [_carried(self.authority.root.certificate)]
        return asn1.PKIBody(RESPONSES[request.body.name], content)

    @staticmethod
    def _wished_end(request: Request) -> datetime | None:
        validity = request.body.chosen[0]["certReq"]["certTemplate"]["validity"]
        return validity["notAfter"].native if validity else None

    def _csr(self, request: Request) -> tuple[x509.Name, Any, bytes | None]:
        csr = x509.load_der_x509_csr(request.body.chosen.untag().dump())
        if not csr.is_signature_valid:
            raise RefusalError(9, "the CSR is not signed by its key")
        return csr.subject, csr.public_key(), CertTemplate.from_csr(csr).extensions

    def _template(self, request: Request) -> tuple[x509.Name, Any, bytes | None]:
        if len(request.body.chosen) != 1:
            raise RefusalError(2, "one request per message")
        message = request.body.chosen[0]
        asked = message["certReq"]
        template = asked["certTemplate"]
        if asked["certReqId"].native != 0:
            raise RefusalError(2, "certReqId is 0")
        if request.body.name == "kur":
            self._require_old(request, asked["controls"])
        spki = template["publicKey"].untag().dump()
        extensions = template["extensions"].untag().dump() if template["extensions"] else None
        return _name(template["subject"]), self._possessed(spki, message), extensions

    def _possessed(self, spki: bytes, message: Any) -> Any:
        """The public key, once its possession is proved; or the OID of the algorithm of a key to be made."""
        fields = core.Sequence.load(spki)
        if len(fields[1].contents) == 1:
            if message["popo"]:
                raise RefusalError(9, "nobody can possess a key that is not made yet")
            return str(fields[0][0].dotted)
        key = load_der_public_key(spki)
        proof = message["popo"]
        if not proof or proof.name not in ("signature", "raVerified"):
            raise RefusalError(9, "no proof of possession")
        if proof.name == "signature":
            oid = proof.chosen["algorithmIdentifier"]["algorithm"].dotted
            if proof.chosen["poposkInput"] or not is_signed(
                key, proof.chosen["signature"].native, message["certReq"].dump(), oid=oid
            ):
                raise RefusalError(9, "the proof of possession does not hold")
        return key

    def _require_old(self, request: Request, controls: Any) -> None:
        for control in controls or ():
            if control["type"].dotted == OLD_CERT_ID and request.signer is not None:
                named = control["value"].parse(asn1.CertId)
                if named["serialNumber"].native == request.signer.serial_number:
                    return
        raise RefusalError(4, "oldCertID is not the certificate that signed")

    def _enveloped(self, private: Any, request: Request) -> Any:
        package = self.authority.key_package(private, self.key_signer)
        recipient = self.encrypts_for or request.signer or cms.Password(self.secrets[request.reference or ""])
        info = cms.envelop(package, [recipient], content_type=cms.ID_SIGNED_DATA)
        return asn1.EnvelopedData.load(ContentInfo.load(info)["content"].untag().dump())

    def _revoked(self, request: Request) -> Any:
        details = request.body.chosen[0]
        serial = details["certDetails"]["serialNumber"].native
        if request.signer is None:
            raise RefusalError(1, "revocation requests are signed")
        if serial in self.authority.revoked:
            return asn1.PKIBody("rp", {"status": [status_info(Refuse("revoked already", (10,)))]})
        if serial not in self.authority.issued:
            return asn1.PKIBody("rp", {"status": [status_info(Refuse("unknown certificate", (4,)))]})
        reason = core.Sequence.load(details["crlEntryDetails"].dump())[0][1].native
        self.authority.revoked[serial] = _reason(reason)
        return asn1.PKIBody("rp", {"status": [{"status": ACCEPTED}]})

    def _recovered(self, request: Request) -> Any:
        serial = request.body.chosen[0]["certReq"]["certTemplate"]["serialNumber"].native
        pair = self.authority.archive.get(serial)
        if pair is None:
            return asn1.PKIBody("krp", {"status": status_info(Refuse("nothing archived", (4,)))})
        found = {
            "certOrEncCert": ("certificate", _carried(pair.certificate)),
            "privateKey": ("envelopedData", self._enveloped(pair.key, request)),
        }
        issuing = _carried(self.authority.issuing.certificate)
        return asn1.PKIBody("krp", {"status": {"status": ACCEPTED}, "caCerts": [issuing], "keyPairHist": [found]})

    def _informed(self, request: Request) -> Any:
        given = []
        for asked in request.body.chosen:
            kind, value = self.infos.get(asked["infoType"].dotted, (asked["infoType"].dotted, None))
            given.append({"infoType": kind, **({} if value is None else {"infoValue": value})})
        return asn1.PKIBody("genp", given)


def _reason(encoded: bytes) -> x509.ReasonFlags:
    return next(flag for flag in x509.ReasonFlags if x509.CRLReason(flag).public_bytes() == encoded)


def _carried(certificate: x509.Certificate) -> Any:
    return asn1.CMPCertificate.load(certificate.public_bytes(Encoding.DER))


def _name(value: Any) -> x509.Name:
    pairs = names.Name.load(value.untag().dump()).native
    oids = {"common_name": NameOID.COMMON_NAME, "organization_name": NameOID.ORGANIZATION_NAME}
    return x509.Name([x509.NameAttribute(oids[kind], text) for kind, text in pairs.items()])
