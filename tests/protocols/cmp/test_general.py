"""genm and genp: what a CA tells about itself."""

from datetime import timedelta
from typing import Any

import pytest
from asn1crypto import core
from asn1crypto import x509 as names
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from certwright.protocols.cmp import (
    CMPClient,
    CRLStatus,
    GeneralAnswer,
    InfoType,
    MalformedAnswer,
    RootCAUpdate,
    UntrustedUpdate,
    ask_ca_certs,
    ask_cert_req_template,
    ask_crls,
    ask_root_ca_update,
    asn1,
    read_ca_certs,
    read_cert_req_template,
    read_crls,
    read_root_ca_update,
)
from tests.fakes.ca import common_name
from tests.fakes.clock import FakeClock
from tests.fakes.cmp import FakeAuthority, FakeCMPServer, key_usage


def carried(certificate: x509.Certificate) -> Any:
    return asn1.CMPCertificate.load(certificate.public_bytes(Encoding.DER))


async def ask(client: CMPClient, question: Any) -> GeneralAnswer:
    answer = await client.genm([question])
    assert isinstance(answer, GeneralAnswer)
    return answer


async def test_ca_certificates(server: FakeCMPServer, client: CMPClient, signing: CMPClient) -> None:
    certificates = (server.authority.issuing.certificate, server.root)
    value = asn1.Certificates([carried(one) for one in certificates])
    server.infos[InfoType.CA_CERTS] = (InfoType.CA_CERTS.value, value)

    assert read_ca_certs(await ask(client, ask_ca_certs())) == certificates
    assert read_ca_certs(await ask(signing, ask_ca_certs())) == certificates


@pytest.mark.parametrize(
    ("question", "kind", "read"),
    [
        pytest.param(ask_ca_certs(), InfoType.CA_CERTS, read_ca_certs, id="caCerts"),
        pytest.param(ask_root_ca_update(), InfoType.ROOT_CA_KEY_UPDATE, read_root_ca_update, id="rootCaKeyUpdate"),
        pytest.param(ask_cert_req_template(), InfoType.CERT_REQ_TEMPLATE, read_cert_req_template, id="certReqTemplate"),
        pytest.param(ask_crls([CRLStatus(issuer=common_name("x"))]), InfoType.CRLS, read_crls, id="crls"),
    ],
)
class TestEveryAnswer:
    async def test_may_be_nothing(
        self, question: Any, kind: InfoType, read: Any, server: FakeCMPServer, client: CMPClient
    ) -> None:
        server.infos[question["infoType"].dotted] = (kind.value, None)

        assert not read(await ask(client, question))

    async def test_has_to_be_of_the_type_that_was_asked_for(
        self, question: Any, kind: InfoType, read: Any, server: FakeCMPServer, client: CMPClient
    ) -> None:
        server.infos[question["infoType"].dotted] = ("1.2.3", None)

        with pytest.raises(MalformedAnswer, match=rf"1\.2\.3 where infoType {kind.value} was due"):
            read(await ask(client, question))

    async def test_has_to_be_readable(
        self, question: Any, kind: InfoType, read: Any, server: FakeCMPServer, client: CMPClient
    ) -> None:
        server.infos[question["infoType"].dotted] = (kind.value, core.Integer(1))

        with pytest.raises(MalformedAnswer):
            read(await ask(client, question))


async def test_the_way_to_be_asked(server: FakeCMPServer, client: CMPClient) -> None:
    subject = names.Name.build({"common_name": "device", "organization_name": ""})
    extensions = names.Extensions([{"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": False}}])
    algorithm = asn1.AlgorithmIdentifier({"algorithm": "1.2.840.10045.2.1"})
    keys = [
        {"type": "1.3.6.1.5.5.7.5.1.11", "value": algorithm},
        {"type": "1.3.6.1.5.5.7.5.1.12", "value": core.Integer(3072)},
    ]
    template = {"subject": asn1.Name.load(subject.dump()), "extensions": asn1.Extensions.load(extensions.dump())}
    value = asn1.CertReqTemplateContent({"certTemplate": template, "keySpec": keys})
    server.infos[InfoType.CERT_REQ_TEMPLATE] = (InfoType.CERT_REQ_TEMPLATE.value, value)

    wanted = read_cert_req_template(await ask(client, ask_cert_req_template()))

    assert wanted is not None
    assert wanted.subject is not None
    assert dict(wanted.subject) == {"2.5.4.3": "device", "2.5.4.10": ""}
    assert wanted.extensions == (("2.5.29.19", True, b"\x30\x00"),)
    assert wanted.key_algorithms == (algorithm.dump(),)
    assert wanted.rsa_key_length == 3072


async def test_newer_crls(server: FakeCMPServer, client: CMPClient, clock: FakeClock) -> None:
    issuing = server.authority.issuing
    crl = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(clock.now())
        .next_update(clock.now() + timedelta(days=1))
        .sign(issuing.key, hashes.SHA256())
    )
    value = asn1.CertificateLists([asn1.CertificateList.load(crl.public_bytes(Encoding.DER))])
    server.infos[InfoType.CRL_STATUS_LIST] = (InfoType.CRLS.value, value)

    question = ask_crls([CRLStatus(issuer=issuing.certificate.subject, this_update=clock.now())])

    assert read_crls(await ask(client, question)) == (crl,)


@pytest.fixture
def old(clock: FakeClock) -> FakeAuthority:
    return FakeAuthority(clock=clock.now)


@pytest.fixture
def new(clock: FakeClock) -> FakeAuthority:
    return FakeAuthority(clock=clock.now, name="New")


def link(clock: FakeClock, certified: FakeAuthority, by: FakeAuthority, *, is_ca: bool = True) -> x509.Certificate:
    issuer, root = by.root, certified.root
    return (
        x509.CertificateBuilder()
        .subject_name(root.certificate.subject)
        .issuer_name(issuer.certificate.subject)
        .public_key(root.certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(key_usage("key_cert_sign"), critical=True)
        .sign(issuer.key, hashes.SHA256())
    )


class TestRootUpdate:
    async def test_it_comes_with_its_links(
        self, server: FakeCMPServer, client: CMPClient, old: FakeAuthority, new: FakeAuthority, clock: FakeClock
    ) -> None:
        content = {
            "newWithNew": carried(new.root.certificate),
            "newWithOld": carried(link(clock, new, old)),
            "oldWithNew": carried(link(clock, old, new)),
        }
        value = asn1.RootCaKeyUpdateContent(content)
        server.infos[InfoType.ROOT_CA_CERT] = (InfoType.ROOT_CA_KEY_UPDATE.value, value)

        update = read_root_ca_update(await ask(client, ask_root_ca_update(old.root.certificate)))

        assert update is not None
        assert update.new_with_new == new.root.certificate
        update.verify(old.root.certificate, now=clock.now())

    def test_the_way_back_is_optional(self, old: FakeAuthority, new: FakeAuthority, clock: FakeClock) -> None:
        update = RootCAUpdate(new_with_new=new.root.certificate, new_with_old=link(clock, new, old))

        update.verify(old.root.certificate, now=clock.now())

    @pytest.mark.parametrize(
        "wrong",
        ["no link", "another's link", "link for another key", "no root", "wrong way back", "no CA", "expired"],
    )
    def test_nothing_else_is_believed(
        self, wrong: str, old: FakeAuthority, new: FakeAuthority, clock: FakeClock
    ) -> None:
        other = FakeAuthority(clock=clock.now)
        root, forward = new.root.certificate, link(clock, new, old)
        updates = {
            "no link": RootCAUpdate(new_with_new=root),
            "another's link": RootCAUpdate(new_with_new=root, new_with_old=link(clock, new, other)),
            "link for another key": RootCAUpdate(new_with_new=root, new_with_old=link(clock, other, old)),
            "no root": RootCAUpdate(new_with_new=new.issuing.certificate, new_with_old=forward),
            "wrong way back": RootCAUpdate(
                new_with_new=root, new_with_old=forward, old_with_new=link(clock, other, new)
            ),
            "no CA": RootCAUpdate(new_with_new=root, new_with_old=link(clock, new, old, is_ca=False)),
            "expired": RootCAUpdate(new_with_new=root, new_with_old=forward),
        }
        later = clock.now() + timedelta(days=60 if wrong == "expired" else 0)

        with pytest.raises(UntrustedUpdate):
            updates[wrong].verify(old.root.certificate, now=later)
