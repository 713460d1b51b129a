"""The reference pages say everything that the schema says."""

import pytest

from certwright.manifests.crds import RESOURCES, Resource, object_schema
from certwright.manifests.reference import permissions_page, reasons_page, reference_page
from certwright.model.reasons import Reason


def row(page: str, field: str) -> str:
    return next(line for line in page.splitlines() if line.startswith(f"| `{field}` |"))


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda resource: resource.kind)
def test_every_field_of_the_spec_has_a_row(resource: Resource) -> None:
    page = reference_page(resource)
    fields = object_schema(resource)["properties"]["spec"]["properties"]

    assert [name for name in fields if f"| `spec.{name}" not in page] == []


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("spec.secretName", "| string, required |"),
        ("spec.dnsNames[]", "| list of strings |"),
        ("spec.dnsNames[]", "up to 1000 items; 1 to 253 characters"),
        ("spec.usages[]", "up to 23 items; `signing`, `digital signature`"),
        ("spec.renewBeforePercentage", "1 to 99"),
        ("spec.secretTemplate.labels", "| map |"),
        ("spec.csr.extensions[].value", "| base64 string, required |"),
        ("status.notAfter", "| time |"),
    ],
    ids=lambda value: value.strip("| `"),
)
def test_a_row_tells_type_and_bounds(field: str, words: str) -> None:
    assert words in row(reference_page(RESOURCES[0]), field)


def test_a_table_is_not_broken_by_its_cells() -> None:
    lines = [line for line in reference_page(RESOURCES[1]).splitlines() if line.startswith("| `")]

    assert {line.replace(r"\|", "").count("|") for line in lines} == {5}


def test_rules_are_listed_with_their_field() -> None:
    page = reference_page(RESOURCES[1])

    assert "- `spec`: set exactly one of acme, est, cmp and scep" in page
    assert "- `spec.scep`: scep.caFingerprintSHA256 is needed" in page


def test_only_the_namespaced_kind_refuses_a_proxy() -> None:
    assert "proxyURL is for ClusterIssuers only" in reference_page(RESOURCES[1])
    assert "proxyURL is for ClusterIssuers only" not in reference_page(RESOURCES[2])


def test_permissions_are_told_by_place() -> None:
    page = permissions_page()

    assert "## In every watched namespace" in page
    assert "| core | secrets |" in page


def test_every_reason_has_a_row_with_its_sentence() -> None:
    page = reasons_page()

    assert [reason for reason in Reason if f"| `{reason}` | {reason.sentence} |" not in page] == []
