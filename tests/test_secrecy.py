"""No value that might be a secret is shown by the ``repr`` of what holds it: tracebacks and debuggers print those.

Every dataclass and every model of the package is looked at, those that are written tomorrow included: a field whose
name says that it may hold a secret, and whose type can, must be hidden or stand in the list of those that hold none.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import re
import typing
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic import BaseModel

import certwright

CANARY = "c4n4ry-in-a-c0al-mine"
SUSPECT = re.compile(
    r"(^|_)(key|keys|secret|secrets|password|passwords|token|tokens|challenge|challenges|mac|hmac|passphrase|bearer|"
    r"credential|resume|data|authorization|csr|value|body|content|private|identity)($|_)"
)
PLAIN = (str, bytes, Mapping, dict, object)
"""What can hold the octets of a secret. Of any other type's fields its own ``repr`` tells."""

INNOCENT = {
    # Names, versions and kinds of objects.
    ("CertificateRecord", "secret_name"),
    ("CertificateRecord", "secret_uid"),
    ("CertificateRecord", "secret_version"),
    ("CertificateSpec", "secret_name"),
    ("CertificateStatus", "used_credential"),
    ("ConfigMapKeySelector", "key"),
    ("LabelSelectorRequirement", "key"),
    ("SecretKeySelector", "key"),
    ("SecretReference", "key"),
    ("Settings", "identity"),
    ("_Good", "secret"),
    ("Observed", "credential_of"),
    ("_Named", "default_key"),
    ("RFC2136", "tsig_key_name"),
    ("Route53", "access_key_id"),
    ("ACMEAccount", "key_thumbprint"),
    ("ExternalAccountBinding", "key_id"),
    # What the CA and the whole world may see: ACME's tokens are served over plain HTTP, its URLs name nobody's secret.
    ("Challenge", "token"),
    ("Entry", "token"),
    ("Proof", "token"),
    ("StagedProof", "token"),
    ("StagedProof", "authorization"),
    ("StagedProof", "challenge"),
    ("StagedProof", "challenge_type"),
    ("Directory", "key_change"),
    # What stands in requests and certificates, and in the messages that carry them.
    ("Identifier", "value"),
    ("OtherName", "utf8_value"),
    ("RawExtension", "value"),
    ("RequestedExtension", "value"),
    ("RequestedGeneralName", "value"),
    ("RequestedName", "value"),
    ("CSRAttribute", "value"),
    ("Message", "body"),
    ("Message", "content"),
    ("MessageParts", "body"),
    ("KeyAgreement", "public_key"),
    ("Opened", "content_type"),
    ("SignedMessage", "content_type"),
    ("Signer", "content_type"),
    ("_Envelope", "content_type"),
    ("Signature", "value"),
    ("Derivation", "hmac_hash"),
    ("RequestTemplate", "key_algorithms"),
    ("_Field", "value"),
    ("Profile", "mac"),
}


def classes() -> Iterator[type]:
    for info in pkgutil.walk_packages(certwright.__path__, "certwright."):
        module = importlib.import_module(info.name)
        for _, kind in inspect.getmembers(module, inspect.isclass):
            if kind.__module__ == info.name and (dataclasses.is_dataclass(kind) or issubclass(kind, BaseModel)):
                yield kind


def fields_of(kind: type) -> list[str]:
    return [one.name for one in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else [*kind.model_fields]  # type: ignore[attr-defined]  # it is one or the other


def may_be_plain(annotation: Any) -> bool:
    """Whether the type, or a part of it, can hold octets."""
    origin, parts = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Any or annotation in PLAIN or origin in PLAIN:
        return True
    return any(may_be_plain(part) for part in parts)


def with_canaries(kind: type, names: list[str]) -> Any:
    """An instance with a canary in each of these fields, made without its constructor, which would want sense."""
    values: dict[str, Any] = {name: CANARY if name in names else "-" for name in fields_of(kind)}
    if issubclass(kind, BaseModel):
        return kind.model_construct(**values)
    made = object.__new__(kind)
    for name, value in values.items():
        object.__setattr__(made, name, value)
    return made


CASES = sorted(
    {
        (kind, name)
        for kind in classes()
        for name, annotation in typing.get_type_hints(kind, include_extras=False).items()
        if name in fields_of(kind) and SUSPECT.search(name) and may_be_plain(annotation)
    },
    key=str,
)


@pytest.mark.parametrize(
    ("kind", "name"),
    [pytest.param(*case, id=f"{case[0].__name__}.{case[1]}") for case in CASES],
)
def test_a_field_that_may_hold_a_secret_is_not_shown(kind: type, name: str) -> None:
    is_shown = CANARY in repr(with_canaries(kind, [name]))
    if (kind.__name__, name) in INNOCENT:
        return
    assert not is_shown, f"give {kind.__qualname__}.{name} repr=False, or say here why it holds no secret"


def test_the_list_of_innocents_names_nothing_that_is_gone() -> None:
    assert {(kind.__name__, name) for kind, name in CASES} >= INNOCENT


def test_enough_is_looked_at() -> None:
    hidden = [case for case in CASES if (case[0].__name__, case[1]) not in INNOCENT]
    assert len(hidden) > 40
