"""The alternative names of CA and Certificate agree, are filled in, or are named where they differ."""

from typing import Any

import pytest
from cryptography import x509

from certwright.model.csr import build_csr
from certwright.model.errors import RejectedError
from tests.issuers.demands.conftest import contradiction, prepared, wanting
from tests.model.builders import key_of, spec_of

NAMES = "2.5.29.17"
A, B = x509.DNSName("a.example.com"), x509.DNSName("b.example.com")
BLANK_DNS, BLANK_IP = b"\x30\x02\x82\x00", b"\x30\x02\x87\x00"


def san(*names: x509.GeneralName) -> bytes:
    return x509.SubjectAlternativeName(names).public_bytes()


@pytest.mark.parametrize(
    ("value", "fields"),
    [
        pytest.param(None, {}, id="to be filled in"),
        pytest.param(b"\x30\x00", {}, id="an empty list"),
        pytest.param(san(A), {}, id="the same"),
        pytest.param(san(B, A), {"dnsNames": ["a.example.com", "b.example.com"]}, id="the same in another order"),
        pytest.param(BLANK_DNS, {"dnsNames": ["a.example.com", "b.example.com"]}, id="a blank for all"),
        pytest.param(b"\x30\x11" + san(A)[2:] + BLANK_IP[2:], {"ipAddresses": ["10.0.0.1"]}, id="a name and a blank"),
    ],
)
def test_names_that_agree_need_nothing(value: bytes | None, fields: dict[str, Any]) -> None:
    assert prepared(wanting(NAMES, value), **fields).extensions == ()


@pytest.mark.parametrize(
    ("value", "fields", "said"),
    [
        pytest.param(san(B), {}, ("b.example.com", "a.example.com", "dnsNames"), id="other names"),
        pytest.param(san(A, B), {}, ("b.example.com", "spec.acceptChanges"), id="one that is not asked for"),
        pytest.param(
            san(A), {"dnsNames": ["a.example.com", "b.example.com"]}, ("b.example.com", "remove"), id="one too many"
        ),
        pytest.param(BLANK_IP, {"dnsNames": None, "commonName": "web"}, ("iPAddress", "ipAddresses"), id="a blank"),
        pytest.param(None, {"dnsNames": None, "commonName": "web"}, ("alternative names", "dnsNames"), id="none"),
        pytest.param(b"\x04\x00", {}, ("cannot be read",), id="nonsense"),
    ],
)
def test_names_that_differ_are_named(value: bytes | None, fields: dict[str, Any], said: tuple[str, ...]) -> None:
    message = contradiction(wanting(NAMES, value), **fields)
    assert all(part in message for part in said)


def test_a_certificate_may_accept_the_names_of_the_ca() -> None:
    wish = prepared(wanting(NAMES, san(A, B)), acceptChanges=["Names"])
    request = x509.load_der_x509_csr(build_csr(spec_of(), key_of(), wish))
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [A, B]


def test_names_that_cannot_be_in_a_request_are_the_certificates_fault() -> None:
    with pytest.raises(RejectedError, match=r"a\.\.example"):
        prepared(wanting(NAMES), dnsNames=["a..example.com"])
