"""What the CA wants in a request, held against what the Certificate says."""

import asyncio
from typing import Any

import httpx
import pytest
from asn1crypto import core
from asn1crypto import x509 as names
from cryptography import x509

from certwright.model import keys
from certwright.model.errors import RejectedError, TransientError
from certwright.model.keys import KeyKind
from certwright.model.reasons import Reason
from certwright.model.resources import KeyAlgorithm
from certwright.protocols.cmp import InfoType, asn1
from tests.fakes.cmp import Kind, Refuse
from tests.issuers.cmp.conftest import Stage, own

P384 = {"algorithm": "1.2.840.10045.2.1", "parameters": core.ObjectIdentifier("1.3.132.0.34")}
RSA = {"algorithm": "1.2.840.113549.1.1.1", "parameters": core.Null()}
UNKNOWN = {"algorithm": "1.2.3.4"}


def want(
    stage: Stage,
    *,
    subject: dict[str, str] | None = None,
    extensions: list[dict[str, Any]] | None = None,
    algorithms: tuple[dict[str, Any], ...] = (),
    rsa_length: int | None = None,
) -> None:
    template: dict[str, Any] = {}
    if subject is not None:
        template["subject"] = asn1.Name.load(names.Name.build(subject).dump())
    if extensions is not None:
        template["extensions"] = asn1.Extensions.load(names.Extensions(extensions).dump())
    controls = [{"type": "1.3.6.1.5.5.7.5.1.11", "value": asn1.AlgorithmIdentifier(one)} for one in algorithms]
    if rsa_length is not None:
        controls.append({"type": "1.3.6.1.5.5.7.5.1.12", "value": core.Integer(rsa_length)})
    content = {
        "certTemplate": template or asn1.CertTemplate.load(b"\x30\x00"),
        **({"keySpec": controls} if controls else {}),
    }
    value = asn1.CertReqTemplateContent(content)
    stage.server.infos[InfoType.CERT_REQ_TEMPLATE] = (InfoType.CERT_REQ_TEMPLATE.value, value)


async def test_a_subject_is_filled_in(stage: Stage) -> None:
    want(stage, subject={"organization_name": "Shop", "common_name": ""})
    prepared = await stage.driver().prepare(stage.request())
    assert prepared.subject is not None
    assert {one.rfc4514_string() for one in prepared.subject} == {"O=Shop", "CN=web.shop.test"}
    assert await stage.issue(stage.driver(), stage.request())


async def test_extensions_are_copied(stage: Stage) -> None:
    extension = {"extn_id": "basic_constraints", "critical": True, "extn_value": {"ca": False}}
    want(stage, extensions=[extension])
    prepared = await stage.driver().prepare(stage.request())
    assert [one.value for one in prepared.extensions] == [x509.BasicConstraints(ca=False, path_length=None)]


@pytest.mark.parametrize(
    ("wanted", "spec", "expected"),
    [
        pytest.param({"algorithms": (P384,)}, {}, KeyKind(KeyAlgorithm.ECDSA, 384), id="curve"),
        pytest.param({"rsa_length": 3072}, {}, KeyKind(KeyAlgorithm.RSA, 3072), id="RSA length"),
        pytest.param(
            {"algorithms": (P384,), "rsa_length": 3072},
            {"privateKey": {"algorithm": "RSA"}},
            KeyKind(KeyAlgorithm.RSA, 3072),
            id="the Certificate's choice",
        ),
        pytest.param(
            {"algorithms": (P384,), "rsa_length": 3072},
            {"signatureAlgorithm": "SHA256WithRSA"},
            KeyKind(KeyAlgorithm.RSA, 3072),
            id="the key for the Certificate's signature",
        ),
        pytest.param({"algorithms": (UNKNOWN, P384)}, {}, KeyKind(KeyAlgorithm.ECDSA, 384), id="what can be made"),
        pytest.param({"algorithms": (RSA,)}, {}, KeyKind(KeyAlgorithm.RSA, 2048), id="RSA of any length"),
        pytest.param({}, {}, None, id="nothing"),
    ],
)
async def test_the_kind_of_key(
    stage: Stage, wanted: dict[str, Any], spec: dict[str, Any], expected: KeyKind | None
) -> None:
    want(stage, **wanted)
    assert (await stage.driver().prepare(stage.request(**spec))).key_kind == expected


@pytest.mark.parametrize(
    ("wanted", "spec"),
    [
        pytest.param({"subject": {"common_name": "other"}}, {}, id="subject"),
        pytest.param({"algorithms": (P384,)}, {"privateKey": {"algorithm": "RSA"}}, id="key"),
        pytest.param({"algorithms": (P384,)}, {"signatureAlgorithm": "PureEd25519"}, id="signature"),
        pytest.param({"algorithms": (UNKNOWN,)}, {}, id="a key that cannot be made"),
    ],
)
async def test_what_cannot_be_met_is_told(stage: Stage, wanted: dict[str, Any], spec: dict[str, Any]) -> None:
    want(stage, **wanted)
    with pytest.raises(RejectedError, match=r"cmp\.test says what a request to it must hold") as caught:
        await stage.driver().prepare(stage.request(**spec))
    assert caught.value.reason is Reason.INVALID_SPEC


RAW: dict[str, Any] = {"csr": {"attributes": [{"oid": "1.2.3", "values": ["BQA="]}]}}


@pytest.mark.parametrize("operation", ["ir", "cr"])
async def test_attributes_are_refused_where_no_csr_is_sent(stage: Stage, operation: str) -> None:
    with pytest.raises(RejectedError, match=f"spec.csr.attributes are for a CSR, and {operation} asks") as caught:
        await stage.driver(initialOperation=operation).prepare(stage.request(**RAW))
    assert caught.value.reason is Reason.INVALID_SPEC
    assert stage.server.seen == []


async def test_attributes_are_sent_in_the_csr_where_there_is_one(stage: Stage) -> None:
    driver = stage.driver(initialOperation="p10cr")
    issued, staged = await stage.play(await stage.stage(driver, stage.request(**RAW)), driver)
    request = x509.load_der_x509_csr(staged.request.csr)
    assert request.attributes.get_attribute_for_oid(x509.ObjectIdentifier("1.2.3")).value == b""
    assert issued.chain


async def test_it_is_asked_once_for_many_certificates_and_later_again(stage: Stage) -> None:
    driver = stage.driver()
    for _ in range(3):
        await driver.prepare(stage.request())
    assert [body for body, _ in stage.server.seen] == ["genm"]
    await driver.prepare(stage.request(cmp={"certProfile": "other"}))
    assert len(stage.server.seen) == 2
    stage.clock.jump(600)
    await driver.prepare(stage.request())
    assert len(stage.server.seen) == 3


async def test_it_is_asked_once_for_all_who_want_to_know_at_the_same_time(stage: Stage) -> None:
    driver = stage.driver()
    await asyncio.gather(*(driver.prepare(stage.request()) for _ in range(20)))
    assert [body for body, _ in stage.server.seen] == ["genm"]


async def test_who_waits_for_the_answer_shares_its_failure(stage: Stage) -> None:
    stage.early = [httpx.ConnectError("")]
    driver = stage.driver()
    asked = (driver.prepare(stage.request()) for _ in range(20))
    failures = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(failure, TransientError) for failure in failures)
    assert stage.server.seen == []
    assert await driver.prepare(stage.request())


@pytest.mark.parametrize("kind", [None, Kind.NONE, Kind.SIGNATURE], ids=["MAC", "unprotected", "signed"])
async def test_a_ca_that_answers_no_questions_wants_nothing(stage: Stage, kind: Kind | None) -> None:
    stage.server.errors_with = kind
    stage.server.refusals.append(Refuse("no genm here", is_error=True))
    assert (await stage.driver().prepare(stage.request())).key_kind is None


@pytest.mark.parametrize(
    "error", [httpx.ReadTimeout(""), httpx.RemoteProtocolError("")], ids=["no answer", "broken off"]
)
async def test_a_ca_that_breaks_off_at_the_question_wants_nothing(stage: Stage, error: Exception) -> None:
    stage.early = [error]
    assert (await stage.driver().prepare(stage.request())).key_kind is None


async def test_a_ca_that_cannot_be_reached_is_no_ca_without_wishes(stage: Stage) -> None:
    stage.early = [httpx.ConnectError("")]
    with pytest.raises(TransientError):
        await stage.driver().prepare(stage.request())


async def test_questions_before_a_renewal_are_asked_by_its_certificate(stage: Stage) -> None:
    current = await stage.enrolled()
    await stage.driver().prepare(stage.request(current=current))
    assert [(body, request.signer) for body, request in stage.server.seen] == [("genm", current.leaf)]


async def test_the_issuers_secret_asks_for_those_with_their_own(stage: Stage) -> None:
    await stage.driver().prepare(stage.request(credential=own()))
    assert [(body, request.reference) for body, request in stage.server.seen] == [("genm", "device-1")]


async def test_keys_are_made_as_the_certificate_says(stage: Stage) -> None:
    staged = await stage.stage(stage.driver(), stage.request(privateKey={"algorithm": "Ed25519"}))
    assert staged.request.key is not None
    assert keys.kind_of(staged.request.key).algorithm is KeyAlgorithm.ED25519
