"""Questions to a CA and their answers (genm and genp: RFC 9483 §4.3, RFC 9810 §5.3.19).

Each pair of functions makes the question for ``CMPClient.genm`` and reads the answer, which may come after polling.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asn1crypto import core
from asn1crypto import x509 as names
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.certificates import load_certificate, load_certificates
from certwright.protocols.cmp.der import load, reading
from certwright.protocols.cmp.errors import MalformedAnswer
from certwright.protocols.cmp.header import asn1_time, general_name, info
from certwright.protocols.cmp.infotypes import InfoType
from certwright.protocols.cmp.outcomes import GeneralAnswer
from certwright.protocols.cmp.root_update import RootCAUpdate
from certwright.protocols.transport import shown

ALGORITHM_CONTROL = "1.3.6.1.5.5.7.5.1.11"
RSA_LENGTH_CONTROL = "1.3.6.1.5.5.7.5.1.12"
MAX_ITEMS = 100


def ask_ca_certs() -> Any:
    """Which CA certificates are there? (§5.3.19.14)."""
    return info(InfoType.CA_CERTS)


def read_ca_certs(answer: GeneralAnswer) -> tuple[x509.Certificate, ...]:
    """The CA certificates; none where the server has none to give. They are no anchors by themselves."""
    raw = _value(answer, InfoType.CA_CERTS)
    if raw is None:
        return ()
    with reading("caCerts"):
        return load_certificates(load(asn1.Certificates, raw), "caCerts")


def ask_root_ca_update(root: x509.Certificate | None = None) -> Any:
    """Has this root a successor? (§5.3.19.15)."""
    value = None if root is None else load(asn1.CMPCertificate, root.public_bytes(Encoding.DER))
    return info(InfoType.ROOT_CA_CERT, value)


def read_root_ca_update(answer: GeneralAnswer) -> RootCAUpdate | None:
    """The successor, None where there is none. Call its ``verify`` before it is used for anything."""
    raw = _value(answer, InfoType.ROOT_CA_KEY_UPDATE)
    if raw is None:
        return None
    with reading("rootCaKeyUpdate"):
        update = load(asn1.RootCaKeyUpdateContent, raw)
        return RootCAUpdate(
            new_with_new=load_certificate(update["newWithNew"].dump(), "newWithNew"),
            new_with_old=_optional_certificate(update["newWithOld"], "newWithOld"),
            old_with_new=_optional_certificate(update["oldWithNew"], "oldWithNew"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestTemplate:
    """How the CA wants to be asked (§5.3.19.16).

    ``subject``: (OID, value) pairs, where an empty value is left to the requester; None where the CA does not say.
    ``extensions``: (OID, is critical, DER value). ``key_algorithms``: DER AlgorithmIdentifiers, any of them will do.
    """

    subject: tuple[tuple[str, str], ...] | None = None
    extensions: tuple[tuple[str, bool, bytes], ...] = ()
    key_algorithms: tuple[bytes, ...] = ()
    rsa_key_length: int | None = None


def ask_cert_req_template() -> Any:
    """How do you want to be asked? The certProfile goes into the header (§5.3.19.16)."""
    return info(InfoType.CERT_REQ_TEMPLATE)


def read_cert_req_template(answer: GeneralAnswer) -> RequestTemplate | None:
    """The CA's wishes, None where it has none."""
    raw = _value(answer, InfoType.CERT_REQ_TEMPLATE)
    if raw is None:
        return None
    with reading("certReqTemplate"):
        content = load(asn1.CertReqTemplateContent, raw)
        template = content["certTemplate"]
        controls = list(content["keySpec"])[:MAX_ITEMS] if content["keySpec"] else []
        lengths = [one["value"].parse(core.Integer).native for one in controls if _is(one, RSA_LENGTH_CONTROL)]
        return RequestTemplate(
            subject=_subject(template["subject"]) if template["subject"] else None,
            extensions=_extensions(template["extensions"]) if template["extensions"] else (),
            key_algorithms=tuple(bytes(one["value"].dump()) for one in controls if _is(one, ALGORITHM_CONTROL)),
            rsa_key_length=lengths[0] if lengths else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CRLStatus:
    """A CRL by its issuer, and the thisUpdate of the one at hand, if any."""

    issuer: x509.Name
    this_update: datetime | None = None


def ask_crls(wanted: Iterable[CRLStatus]) -> Any:
    """Are there newer CRLs than these? (§5.3.19.17)."""
    return info(InfoType.CRL_STATUS_LIST, asn1.CRLStatusList([_crl_status(one) for one in wanted]))


def read_crls(answer: GeneralAnswer) -> tuple[x509.CertificateRevocationList, ...]:
    """The newer CRLs, their signatures not verified; none where what is at hand is the newest."""
    raw = _value(answer, InfoType.CRLS)
    if raw is None:
        return ()
    with reading("crls"):
        found = list(load(asn1.CertificateLists, raw))[:MAX_ITEMS]
        return tuple(x509.load_der_x509_crl(one.dump()) for one in found)


def _value(answer: GeneralAnswer, wanted: InfoType) -> bytes | None:
    """Other types beside the one that was asked for are legal, and ignored."""
    if wanted not in answer.infos:
        found = ", ".join(shown(kind, 50) for kind in list(answer.infos)[:5]) or "nothing"
        raise MalformedAnswer(f"the answer holds {found} where infoType {wanted.value} was due")
    return answer.infos[wanted]


def _optional_certificate(value: Any, what: str) -> x509.Certificate | None:
    return load_certificate(value.untag().dump(), what) if value else None


def _is(control: Any, kind: str) -> bool:
    return bool(control["type"].dotted == kind)


def _subject(name: Any) -> tuple[tuple[str, str], ...]:
    pairs = [pair for rdn in load(names.Name, name.untag().dump()).chosen for pair in rdn][:MAX_ITEMS]
    return tuple((pair["type"].dotted, str(pair["value"].native or "")) for pair in pairs)


def _extensions(value: Any) -> tuple[tuple[str, bool, bytes], ...]:
    found = list(load(names.Extensions, value.untag().dump()))[:MAX_ITEMS]
    return tuple((one["extn_id"].dotted, one["critical"].native, bytes(one["extn_value"].contents)) for one in found)


def _crl_status(wanted: CRLStatus) -> Any:
    fields: dict[str, Any] = {"source": asn1.CRLSource("issuer", [general_name(wanted.issuer)])}
    if wanted.this_update is not None:
        fields["thisUpdate"] = asn1_time(wanted.this_update)
    return asn1.CRLStatus(fields)
