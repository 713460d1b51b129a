"""The Secret that workloads mount: the same bytes for the same certificate, and every drift from them is told."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_der_private_key

from certwright.model import keys
from certwright.model.chain import fingerprint, to_pem
from certwright.model.observed import DeliveredSecret
from certwright.model.resources import CertificateSpec
from certwright.model.tls_secret import IssuedBy, KeyPair, drifted, pair_of, render
from tests.model.builders import (
    CA,
    KINDS,
    NOW,
    ROOT,
    UID,
    certificate_of,
    chain_of,
    key_of,
    metadata_of,
    root,
    secret_from,
    secret_of,
    spec_of,
)
from tests.model.builders import pair_of as made_pair

ISSUER = IssuedBy("ca", "Issuer", "certwright.io")
RSA = key_of(KINDS[0])


def body_of(pair: KeyPair | None = None, **fields: Any) -> dict[str, Any]:
    spec = spec_of(**fields)
    return render(metadata_of(), spec, pair or made_pair(spec), ISSUER)


def data_of(pair: KeyPair | None = None, **fields: Any) -> dict[str, bytes]:
    return {name: base64.b64decode(value) for name, value in body_of(pair, **fields)["data"].items()}


def test_the_secret_is_a_tls_secret_of_its_certificate() -> None:
    spec = spec_of(commonName="a.example.com", ipAddresses=["10.0.0.1"], uris=["spiffe://x/y"])
    pair = made_pair(spec)
    body = render(metadata_of(), spec, pair, ISSUER)
    assert body.keys() == {"apiVersion", "kind", "metadata", "type", "data"}
    assert body["type"] == "kubernetes.io/tls"
    assert body["metadata"] == {
        "name": "web-tls",
        "namespace": "team",
        "labels": {"certwright.io/managed": "true", "certwright.io/role": "certificate"},
        "annotations": {
            "certwright.io/certificate-name": "web",
            "certwright.io/issuer-name": "ca",
            "certwright.io/issuer-kind": "Issuer",
            "certwright.io/issuer-group": "certwright.io",
            "certwright.io/common-name": "a.example.com",
            "certwright.io/alt-names": "a.example.com",
            "certwright.io/ip-sans": "10.0.0.1",
            "certwright.io/uri-sans": "spiffe://x/y",
            "certwright.io/not-after": "2030-03-31T23:00:00Z",
            "certwright.io/fingerprint": fingerprint(pair.leaf),
        },
    }


def test_the_annotations_tell_what_the_certificate_holds_whatever_was_asked_for() -> None:
    leaf = CA.issue(spec_of(dnsNames=["b.example.com", "c.example.com"]))
    annotations = body_of(KeyPair(chain=(leaf,), key=key_of()))["metadata"]["annotations"]
    assert annotations["certwright.io/alt-names"] == "b.example.com,c.example.com"
    assert annotations["certwright.io/common-name"] == ""


def test_a_thousand_names_do_not_burst_the_annotations() -> None:
    names = [f"host-{number:04}.some.rather.long.domain.example.com" for number in range(1000)]
    annotations = body_of(dnsNames=names)["metadata"]["annotations"]
    assert len(annotations["certwright.io/alt-names"]) == 8192


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="plain"),
        pytest.param({"dnsNames": ["b.example.com", "a.example.com"]}, id="several names"),
        pytest.param({"additionalOutputFormats": [{"type": "DER"}, {"type": "CombinedPEM"}]}, id="all formats"),
        pytest.param({"privateKey": {"encoding": "PKCS8"}, "chain": {"includeRoot": True}}, id="PKCS8 and the root"),
    ],
)
def test_the_same_certificate_is_the_same_bytes(fields: dict[str, Any]) -> None:
    pair = made_pair(spec_of(**fields))
    assert json.dumps(body_of(pair, **fields)) == json.dumps(body_of(pair, **fields))


def test_what_was_written_is_read_back() -> None:
    pair = made_pair(spec_of())
    found = pair_of(secret_from(body_of(pair)))
    assert found is not None
    assert (pair.chain, pair.anchors) == (found.chain, found.anchors)
    assert keys.public_der(pair.key) == keys.public_der(found.key)


OTHER = root("Other root")
PAIR = KeyPair(chain=(CA.issue(spec_of()), CA.certificate), key=key_of(), anchors=(OTHER.certificate, ROOT.certificate))


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        pytest.param(None, PAIR.chain, id="leaf and intermediates by default"),
        pytest.param({"leafOnly": True}, PAIR.chain[:1], id="the leaf alone"),
        pytest.param({"includeRoot": True}, (*PAIR.chain, ROOT.certificate), id="with the root that it leads to"),
        pytest.param({"includeRoot": False, "leafOnly": False}, PAIR.chain, id="the defaults written out"),
    ],
)
def test_the_chain_has_the_wanted_shape(chain: dict[str, bool] | None, expected: tuple[x509.Certificate, ...]) -> None:
    data = data_of(PAIR, chain=chain)
    assert to_pem(expected) == data["tls.crt"]
    assert to_pem(PAIR.anchors) == data["ca.crt"]


def test_no_root_ends_the_chain_where_none_is_known_or_it_is_there_already() -> None:
    unknown = replace(PAIR, anchors=(OTHER.certificate,))
    assert to_pem(PAIR.chain) == data_of(unknown, chain={"includeRoot": True})["tls.crt"]
    whole = KeyPair(chain=chain_of(ROOT), key=ROOT.key, anchors=chain_of(ROOT))
    assert to_pem(chain_of(ROOT)) == data_of(whole, chain={"includeRoot": True})["tls.crt"]


def test_an_included_root_is_no_part_of_the_chain_that_is_read_back() -> None:
    found = pair_of(secret_from(body_of(PAIR, chain={"includeRoot": True})))
    assert found is not None
    assert PAIR.chain == found.chain
    assert to_pem(PAIR.chain) == data_of(found)["tls.crt"]


def test_there_is_no_ca_crt_where_the_ca_does_not_tell() -> None:
    assert {"tls.crt", "tls.key"} == data_of(replace(PAIR, anchors=())).keys()


@pytest.mark.parametrize(
    ("encoding", "first_line"),
    [
        pytest.param(None, b"-----BEGIN RSA PRIVATE KEY-----", id="PKCS#1 by default"),
        pytest.param("PKCS1", b"-----BEGIN RSA PRIVATE KEY-----", id="PKCS#1"),
        pytest.param("PKCS8", b"-----BEGIN PRIVATE KEY-----", id="PKCS#8"),
    ],
)
def test_every_form_of_the_key_has_the_wanted_encoding(encoding: str | None, first_line: bytes) -> None:
    fields = {
        "privateKey": {"encoding": encoding} if encoding else {},
        "additionalOutputFormats": [{"type": "DER"}, {"type": "CombinedPEM"}],
    }
    data = data_of(made_pair(spec_of(**fields), RSA), **fields)
    assert first_line == data["tls.key"].splitlines()[0]
    assert base64.b64decode(b"".join(data["tls.key"].splitlines()[1:-1])) == data["key.der"]
    assert load_der_private_key(data["key.der"], None).public_key() == RSA.public_key()
    assert data["tls.key"] + b"\n" + data["tls.crt"] == data["tls-combined.pem"]


def test_formats_that_were_not_asked_for_are_not_written() -> None:
    assert {"tls.crt", "tls.key", "ca.crt"} == data_of().keys()


def test_the_template_adds_what_others_select_by_and_takes_nothing_of_ours() -> None:
    template = {
        "labels": {"team": "web", "certwright.io/managed": "false"},
        "annotations": {"note": "x", "certwright.io/fingerprint": "forged"},
    }
    metadata = body_of(secretTemplate=template)["metadata"]
    assert metadata["labels"]["team"] == "web"
    assert metadata["labels"]["certwright.io/managed"] == "true"
    assert metadata["annotations"]["note"] == "x"
    assert metadata["annotations"]["certwright.io/fingerprint"] != "forged"


@pytest.mark.parametrize(
    ("deletion", "owners"),
    [
        pytest.param(None, None, id="it stays by default"),
        pytest.param("KeepSecret", None, id="it stays"),
        pytest.param(
            "DeleteSecret",
            [{"apiVersion": "certwright.io/v1alpha1", "kind": "Certificate", "name": "web", "uid": UID}],
            id="it goes",
        ),
    ],
)
def test_the_secret_goes_with_its_certificate_only_where_that_is_wanted(
    deletion: str | None, owners: list[dict[str, str]] | None
) -> None:
    assert owners == body_of(deletion=deletion)["metadata"].get("ownerReferences")


WHOLE = spec_of(
    deletion="DeleteSecret",
    secretTemplate={"labels": {"team": "web"}, "annotations": {"note": "x"}},
    additionalOutputFormats=[{"type": "DER"}, {"type": "CombinedPEM"}],
)


def secret_and_body(spec: CertificateSpec = WHOLE) -> tuple[DeliveredSecret, dict[str, Any]]:
    body = render(metadata_of(), spec, PAIR, ISSUER)
    return secret_from(body), body


def test_a_secret_as_it_was_written_has_not_drifted() -> None:
    secret, body = secret_and_body()
    assert drifted(secret, body) == []


def test_what_others_added_is_no_drift() -> None:
    secret, body = secret_and_body()
    metadata = replace(
        secret.metadata,
        labels={**secret.metadata.labels, "theirs": "1"},
        annotations={**secret.metadata.annotations, "theirs": "1"},
    )
    more = replace(
        secret, metadata=metadata, data={**secret.data, "theirs": b"1"}, owner_uids=(*secret.owner_uids, "theirs")
    )
    assert drifted(more, body) == []


@pytest.mark.parametrize("name", ["tls.crt", "tls.key", "ca.crt", "key.der", "tls-combined.pem"])
@pytest.mark.parametrize("change", ["missing", "changed"])
def test_drift_of_data_is_told(name: str, change: str) -> None:
    secret, body = secret_and_body()
    data = {**secret.data, name: b"changed"}
    if change == "missing":
        del data[name]
    assert [f"data {name}"] == drifted(replace(secret, data=data), body)


@pytest.mark.parametrize("kind", ["label", "annotation"])
@pytest.mark.parametrize("change", ["missing", "changed"])
def test_drift_of_every_label_and_annotation_is_told(kind: str, change: str) -> None:
    secret, body = secret_and_body()
    for name in body["metadata"][f"{kind}s"]:
        entries = {**getattr(secret.metadata, f"{kind}s"), name: "changed"}
        if change == "missing":
            del entries[name]
        labels = entries if kind == "label" else secret.metadata.labels
        annotations = entries if kind == "annotation" else secret.metadata.annotations
        metadata = replace(secret.metadata, labels=labels, annotations=annotations)
        assert [f"{kind} {name}"] == drifted(replace(secret, metadata=metadata), body)


def test_a_lost_owner_is_drift() -> None:
    secret, body = secret_and_body()
    assert drifted(replace(secret, owner_uids=("theirs",)), body) == ["ownerReferences"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"privateKey": {"encoding": "PKCS8"}}, ["data tls.key"], id="another encoding"),
        pytest.param({"chain": {"leafOnly": True}}, ["data tls.crt"], id="another shape of chain"),
        pytest.param({"additionalOutputFormats": [{"type": "DER"}]}, ["data key.der"], id="a further format"),
        pytest.param({"secretTemplate": {"labels": {"a": "b"}}}, ["label a"], id="a further label"),
        pytest.param({"deletion": "DeleteSecret"}, ["ownerReferences"], id="another end"),
        pytest.param({"renewBefore": "1h"}, [], id="what is not in the Secret"),
    ],
)
def test_an_edit_of_the_spec_is_drift_where_it_shows(fields: dict[str, Any], expected: list[str]) -> None:
    secret, _ = secret_and_body(spec_of())
    assert expected == drifted(secret, render(metadata_of(), spec_of(**fields), PAIR, ISSUER))


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"tls.crt": b"junk", "tls.key": b"junk"}, id="junk"),
        pytest.param({"tls.crt": to_pem(PAIR.chain)}, id="no key"),
        pytest.param({"tls.key": keys.encode(key_of())}, id="no certificate"),
    ],
)
def test_a_secret_without_a_pair_has_none(data: dict[str, bytes]) -> None:
    secret = secret_of(certificate_of())
    assert pair_of(replace(secret, data=data)) is None


def test_a_secret_shows_none_of_its_data() -> None:
    secret = secret_of(certificate_of())
    assert keys.encode(key_of()).decode().splitlines()[1] not in repr(secret)
    assert "PrivateKey" not in repr(pair_of(secret))


def test_not_after_is_told_in_utc() -> None:
    leaf = CA.issue(spec_of(), not_after=NOW.replace(month=7))
    pair = KeyPair(chain=(leaf,), key=key_of())
    assert body_of(pair)["metadata"]["annotations"]["certwright.io/not-after"] == "2030-07-01T00:00:00Z"
    assert pair.leaf.public_bytes(Encoding.PEM) == data_of(pair)["tls.crt"]
