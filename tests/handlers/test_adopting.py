"""A Secret that somebody else made: left alone, adopted with its pair, or replaced, and always within bounds."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.handlers.cluster import CA, WEB, Cluster, Killed, decoded
from tests.handlers.secrets import (
    OPAQUE,
    TLS,
    foreign_pair,
    notes,
    pair_data,
    pair_in,
    put_secret,
    told,
)

VICTIM = WEB._replace(name="victim")
PAIR = pair_data(foreign_pair())
PEM = {"tls.crt": PAIR["tls.crt"], "tls.key": PAIR["tls.key"]}


@pytest.mark.parametrize("type_", [TLS, OPAQUE], ids=["tls", "Opaque"])
async def test_a_fitting_pair_is_adopted_without_an_enrolment(cluster: Cluster, type_: str) -> None:
    theirs = {"labels": {"app": "shop"}, "annotations": {"note": "mine"}, "finalizers": ["shop.example.com/x"]}
    await put_secret(cluster, data=PAIR, type_=type_, metadata=theirs)
    await cluster.issuer()
    await cluster.certificate(adoption="Adopt", secretTemplate={"labels": {"team": "web"}})

    await cluster.handle()

    assert cluster.ca.issued == []
    assert cluster.condition() == ("True", "Ready")
    secret = cluster.secret()
    assert decoded(secret) == PAIR
    assert secret["type"] == type_
    assert secret["metadata"]["labels"] == {
        "app": "shop",
        "team": "web",
        "certwright.io/managed": "true",
        "certwright.io/role": "certificate",
    }
    assert secret["metadata"]["annotations"]["note"] == "mine"
    assert secret["metadata"]["annotations"]["certwright.io/certificate-name"] == "web"
    assert secret["metadata"]["finalizers"] == theirs["finalizers"]
    status = cluster.status()
    assert status["revision"] == 1
    assert status["secret"]["name"] == "web-tls"
    assert status["secret"].get("type") == (OPAQUE if type_ == OPAQUE else None)
    assert cluster.events() == [("Normal", "Adopted")]


async def test_what_was_adopted_rests_until_its_renewal_and_is_then_renewed(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM, type_=OPAQUE)
    await cluster.issuer()
    await cluster.certificate(adoption="Adopt")
    await cluster.handle()
    await cluster.woken()
    due = datetime.fromisoformat(cluster.status()["renewalTime"])
    cluster.server.requests.clear()

    assert await cluster.delay() == (due - cluster.clock.now()).total_seconds()
    assert cluster.server.requests == []

    await cluster.clock.advance(due - cluster.clock.now() + timedelta(seconds=1))
    await cluster.handle()
    assert len(cluster.ca.issued) == 1
    assert cluster.secret()["type"] == OPAQUE
    assert cluster.status()["revision"] == 2
    assert pair_in(cluster) != (PEM["tls.crt"], PEM["tls.key"])


@pytest.mark.parametrize(
    ("spec", "difference"),
    [
        pytest.param({"dnsNames": ["other.example.com"]}, "the certificate is not what spec asks for", id="names"),
        pytest.param({"privateKey": {"algorithm": "RSA"}}, "spec.privateKey asks for RSA", id="key"),
    ],
)
async def test_a_pair_that_does_not_fit_is_taken_over_and_issued_anew(
    cluster: Cluster, spec: dict[str, Any], difference: str
) -> None:
    await put_secret(cluster, data={**PEM, "keystore.jks": b"theirs", "more": b"theirs"})
    await cluster.issuer()
    await cluster.certificate(adoption="Adopt", **spec)

    await cluster.handle()

    assert len(cluster.ca.issued) == 1
    assert cluster.condition() == ("True", "Ready")
    assert difference in notes(cluster, "Adopted")[0]
    assert decoded(cluster.secret())["more"] == b"theirs"


async def test_an_adopted_pair_that_is_due_is_renewed_at_once(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.issuer()
    await cluster.clock.advance(timedelta(days=80))
    await cluster.certificate(adoption="Adopt")

    assert await cluster.delay() is not None

    assert len(cluster.ca.issued) == 1
    assert [reason for _, reason in cluster.events()] == ["Adopted", "Issued"]


async def test_cert_manager_is_to_let_go_of_what_is_adopted(cluster: Cluster) -> None:
    theirs = {
        "annotations": {"cert-manager.io/certificate-name": "web"},
        "labels": {"controller.cert-manager.io/fao": "true"},
    }
    await put_secret(cluster, data=PEM, metadata=theirs)
    await cluster.certificate(adoption="Adopt")

    await cluster.handle()

    (note,) = notes(cluster, "Adopted")
    assert "If cert-manager's Certificate web still exists, delete it" in note
    metadata = cluster.secret()["metadata"]
    assert metadata["annotations"]["cert-manager.io/certificate-name"] == "web"
    assert metadata["labels"]["controller.cert-manager.io/fao"] == "true"


@pytest.mark.parametrize(
    ("data", "type_"),
    [
        pytest.param(PEM, TLS, id="a pair that would fit"),
        pytest.param({"tls.crt": b"", "tls.key": b""}, TLS, id="an empty tls Secret"),
        pytest.param({}, OPAQUE, id="an empty Opaque one"),
        pytest.param({"tls.crt": b"nonsense", "tls.key": b"nonsense"}, OPAQUE, id="nonsense"),
    ],
)
async def test_whatever_it_holds_is_replaced_once(cluster: Cluster, data: dict[str, bytes], type_: str) -> None:
    await put_secret(cluster, data=data, type_=type_)
    await cluster.issuer()
    await cluster.certificate(adoption="Replace")

    await cluster.handle()
    await cluster.handle()

    assert len(cluster.ca.issued) == 1
    assert cluster.ca.asked[-1].current is None
    assert cluster.condition() == ("True", "Ready")
    assert cluster.secret()["type"] == type_


async def test_a_replaced_secret_is_given_a_key_of_its_own(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.issuer()
    await cluster.certificate(adoption="Replace", privateKey={"rotationPolicy": "Never"})

    await cluster.handle()

    assert pair_in(cluster)[1] != PEM["tls.key"]


async def test_the_keys_of_others_survive_a_replacement(cluster: Cluster) -> None:
    await put_secret(cluster, data={**PEM, "extra": b"theirs"})
    await cluster.issuer()
    await cluster.certificate(adoption="Replace")

    await cluster.handle()

    assert decoded(cluster.secret())["extra"] == b"theirs"


HOSTILE: dict[str, tuple[dict[str, Any], str]] = {
    "a service account's token": ({"type_": "kubernetes.io/service-account-token", "data": {"token": b"t"}}, "of type"),
    "a bootstrap token": ({"type_": "bootstrap.kubernetes.io/token", "data": {"token-id": b"t"}}, "of type"),
    "a Helm release": ({"type_": "helm.sh/release.v1", "data": {"release": b"t"}}, "of type"),
    "an account key of ours": (
        {
            "type_": "certwright.io/account",
            "data": {"tls.key": PEM["tls.key"]},
            "metadata": {"labels": {"certwright.io/managed": "true", "certwright.io/role": "account"}},
        },
        "keeps something of its own",
    ),
    "learned anchors": (
        {"type_": TLS, "data": PEM, "metadata": {"labels": {"certwright.io/role": "anchors"}}},
        "keeps something of its own",
    ),
    "an account key of cert-manager's": (
        {"type_": OPAQUE, "data": {"tls.key": PEM["tls.key"]}},
        "without a certificate",
    ),
    "Opaque with other keys": ({"type_": OPAQUE, "data": {**PEM, "password": b"p"}}, "other keys"),
    "an immutable one": ({"type_": TLS, "data": PEM, "immutable": True}, "immutable"),
    "another Certificate's": (
        {
            "type_": TLS,
            "data": PEM,
            "metadata": {
                "labels": {"certwright.io/managed": "true", "certwright.io/role": "certificate"},
                "annotations": {"certwright.io/certificate-name": "victim"},
            },
        },
        "belongs to Certificate victim",
    ),
}


@pytest.mark.parametrize("adoption", ["Refuse", "Adopt", "Replace"])
@pytest.mark.parametrize(("secret", "why"), HOSTILE.values(), ids=HOSTILE.keys())
async def test_an_author_of_certificates_gets_at_no_secret_of_others(
    cluster: Cluster, secret: dict[str, Any], why: str, adoption: str
) -> None:
    before = await put_secret(cluster, **secret)
    await cluster.issuer()
    await cluster.certificate("victim", secretName="web-tls")
    if "victim" not in str(secret):
        await cluster.delete(VICTIM)
    await cluster.certificate(adoption=adoption, deletion="DeleteSecret")

    assert await cluster.delay() == 30

    assert cluster.secret() == before
    assert cluster.ca.issued == []
    assert cluster.condition()[1] in {"SecretNotOwned", "IncorrectCertificate"}
    assert (adoption == "Refuse" and "victim" not in str(secret)) or why in told(cluster)


@pytest.mark.parametrize(
    "block",
    [
        {"est": {"url": "https://ca.example.com", "auth": {"clientCertificate": {"secretRef": {"name": "web-tls"}}}}},
        {"cmp": {"url": "http://ca.example.com", "protection": {"signature": {"secretRef": {"name": "web-tls"}}}}},
    ],
    ids=["EST", "CMP"],
)
@pytest.mark.parametrize("adoption", ["Adopt", "Replace"])
async def test_an_issuers_credential_is_no_certificates(cluster: Cluster, block: dict[str, Any], adoption: str) -> None:
    before = await put_secret(cluster, data=PEM)
    await cluster.issuer("other", spec=block)
    await cluster.issuer()
    await cluster.certificate(adoption=adoption)

    await cluster.handle()

    assert cluster.secret() == before
    assert "Issuer shop/other uses it" in told(cluster)


@pytest.mark.parametrize(
    ("data", "type_", "fault"),
    [
        pytest.param({"tls.crt": b"", "tls.key": b""}, TLS, "has no tls.key and tls.crt", id="empty"),
        pytest.param({}, OPAQUE, "has no tls.key and tls.crt", id="nothing"),
        pytest.param({"tls.crt": b"x", "tls.key": b"x"}, TLS, "is not a PEM certificate", id="nonsense"),
    ],
)
async def test_where_there_is_no_pair_nothing_is_adopted(
    cluster: Cluster, data: dict[str, bytes], type_: str, fault: str
) -> None:
    before = await put_secret(cluster, data=data, type_=type_)
    await cluster.issuer()
    await cluster.certificate(adoption="Adopt")

    assert await cluster.delay() == 30

    assert cluster.secret() == before
    assert fault in told(cluster)
    assert "set spec.adoption to Replace" in told(cluster)


async def test_adoption_needs_no_issuer(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.certificate(adoption="Adopt")

    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")


@pytest.mark.parametrize("writes", [1, 2, 3])
async def test_an_adoption_that_was_killed_is_ended(cluster: Cluster, writes: int) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.issuer()
    await cluster.certificate(adoption="Adopt")
    cluster.server.writes_left = writes
    with pytest.raises(Killed):
        await cluster.handle()
    await cluster.restart()

    await cluster.handle()

    assert cluster.ca.issued == []
    assert cluster.condition() == ("True", "Ready")
    assert pair_in(cluster) == (PEM["tls.crt"], PEM["tls.key"])


async def test_an_adopted_secret_follows_its_issuer_like_any_other(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.issuer()
    await cluster.issuer("next")
    await cluster.certificate(adoption="Adopt")
    await cluster.handle()
    assert cluster.status()["issuerRef"]["name"] == CA.name

    await cluster.edit(spec={"issuerRef": {"name": "next"}})
    await cluster.handle()

    assert len(cluster.ca.issued) == 1


async def test_refusal_names_the_ways_out(cluster: Cluster) -> None:
    await put_secret(cluster, data=PEM)
    await cluster.certificate()
    await cluster.handle()
    assert cluster.condition() == ("False", "SecretNotOwned")
    assert "spec.adoption Adopt takes over what it holds" in told(cluster)

    await cluster.edit(spec={"adoption": "Adopt"})
    await cluster.handle()

    assert cluster.condition() == ("True", "Ready")


@pytest.mark.parametrize("adoption", ["Refuse", "Replace"])
async def test_no_certificate_takes_the_name_under_which_another_stages(cluster: Cluster, adoption: str) -> None:
    """Not even while there is no such Secret: it would be in the way of the next enrolment."""
    name = "certwright-6ac7dbff-6205-426e-84b9-f2d7629cc65d"
    await cluster.issuer()
    await cluster.certificate(secretName=name, adoption=adoption)

    await cluster.handle()

    assert cluster.condition("Issuing") == ("False", "SecretNotOwned")
    assert cluster.server.names("secrets") == []
    assert cluster.ca.asked == []


async def test_an_adopted_pair_is_put_into_the_keystores_too(cluster: Cluster) -> None:
    await put_secret(cluster, data={**PEM, "keystore.jks": b"of another tool"})
    await cluster.issuer()
    stores = {"jks": {"create": True, "password": "changeit"}}
    await cluster.certificate(adoption="Adopt", keystores=stores)

    await cluster.handle()

    assert decoded(cluster.secret())["keystore.jks"].startswith(bytes.fromhex("feedfeed"))
    assert cluster.condition() == ("True", "Ready")
    assert cluster.ca.issued == []
    await cluster.woken()
    cluster.server.requests.clear()
    await cluster.handle()
    assert cluster.server.requests == []
