"""The decisions that need no server: which certificates can receive keys, and what is a path."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from certwright.issuers.cmp.issued import path_of
from certwright.model.usages import may_receive_keys
from tests.fakes.ca import common_name
from tests.fakes.cmp import key_usage
from tests.fakes.hierarchy import Root

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()


def certificate(key: Any, usage: x509.KeyUsage | None) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(common_name("device"))
        .issuer_name(common_name("device"))
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2030, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2031, 1, 1, tzinfo=UTC))
    )
    if usage is not None:
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(key, None if key is ED else hashes.SHA256())


@pytest.mark.parametrize(
    ("key", "usage", "expected"),
    [
        pytest.param(RSA, None, True, id="RSA for anything"),
        pytest.param(RSA, key_usage("key_encipherment"), True, id="RSA for keys"),
        pytest.param(RSA, key_usage("digital_signature"), False, id="RSA for signatures"),
        pytest.param(EC, None, True, id="EC for anything"),
        pytest.param(EC, key_usage("key_agreement"), True, id="EC for agreement"),
        pytest.param(EC, key_usage("digital_signature"), False, id="EC for signatures"),
        pytest.param(ED, None, False, id="Ed25519"),
    ],
)
def test_to_whom_a_key_can_be_sent(key: Any, usage: x509.KeyUsage | None, expected: bool) -> None:  # noqa: FBT001 - a row of the table
    assert may_receive_keys(certificate(key, usage)) is expected


def test_a_path_is_found_whatever_the_order() -> None:
    root, other, issuing = Root("root"), Root("root"), Root("issuing")
    intermediate = root.certify_ca(issuing)
    leaf = issuing.certify_ca(Root("leaf"), is_ca=False)
    path = path_of(leaf, [other.certificate, root.certificate, leaf, intermediate])
    assert path.full == (leaf, intermediate, root.certificate)
    assert (path.chain, path.anchors) == ((leaf, intermediate), (root.certificate,))


def test_a_path_ends_where_nothing_leads_on() -> None:
    issuing = Root("issuing")
    leaf = issuing.certify_ca(Root("leaf"), is_ca=False)
    assert path_of(leaf, []).full == (leaf,)


def test_two_cas_that_certify_each_other_end() -> None:
    one, other = Root("one"), Root("other")
    leaf = one.certify_ca(Root("leaf"), is_ca=False)
    path = path_of(leaf, [other.certify_ca(one), one.certify_ca(other)])
    assert len(path.full) == 3
