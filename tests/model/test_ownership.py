"""Whose a Secret is."""

from dataclasses import replace

import pytest

from certwright.model.ownership import certificate_of, owner_reference
from tests.model.builders import UID, metadata_of

OURS = metadata_of(
    labels={"certwright.io/managed": "true", "certwright.io/role": "certificate"},
    annotations={"certwright.io/certificate-name": "web"},
)


@pytest.mark.parametrize(
    ("labels", "annotations", "owner"),
    [
        pytest.param({}, {}, "web", id="as we write it"),
        pytest.param({"app": "shop"}, {"note": "x"}, "web", id="with what others added"),
        pytest.param({"certwright.io/managed": "false"}, {}, None, id="no longer managed"),
        pytest.param({"certwright.io/role": "account"}, {}, None, id="of another role"),
        pytest.param({}, {"certwright.io/certificate-name": "other"}, "other", id="another Certificate's"),
        pytest.param({}, {"certwright.io/certificate-name": ""}, None, id="nobody's"),
    ],
)
def test_a_secret_belongs_to_the_certificate_that_it_names(
    labels: dict[str, str], annotations: dict[str, str], owner: str | None
) -> None:
    secret = replace(OURS, labels={**OURS.labels, **labels}, annotations={**OURS.annotations, **annotations})
    assert owner == certificate_of(secret)


def test_a_secret_without_a_mark_belongs_to_nobody() -> None:
    assert certificate_of(metadata_of()) is None


def test_an_owner_is_named_whole_and_does_not_block_its_deletion() -> None:
    expected = {"apiVersion": "certwright.io/v1alpha1", "kind": "Certificate", "name": "web", "uid": UID}
    assert expected == owner_reference(metadata_of())
    assert {**expected, "kind": "Issuer"} == owner_reference(metadata_of(), kind="Issuer")
