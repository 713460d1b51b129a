"""Names are compared in one form, and whatever a certificate holds, reading its names never fails oddly."""

import ipaddress

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.names import (
    InvalidNameError,
    Names,
    ascii_name,
    general_names,
    names_of,
    requested_names,
    requested_subject,
)
from tests.model.builders import CA, common_name, key_of, spec_of

LABEL = "a" * 63


@pytest.mark.parametrize(
    ("written", "ascii_form"),
    [
        pytest.param("A.Example.COM", "a.example.com", id="capitals"),
        pytest.param("*.Example.com", "*.example.com", id="wildcard"),
        pytest.param("bücher.example", "xn--bcher-kva.example", id="Unicode"),
        pytest.param("*.bücher.example", "*.xn--bcher-kva.example", id="Unicode under a wildcard"),
        pytest.param("BÜCHER.example", "xn--bcher-kva.example", id="Unicode in capitals"),
        pytest.param("xn--bcher-kva.example", "xn--bcher-kva.example", id="an A-label"),
        pytest.param("_service.example.com", "_service.example.com", id="underscore"),
        pytest.param(f"{LABEL}.example.com", f"{LABEL}.example.com", id="a label of 63 characters"),
        pytest.param("localhost", "localhost", id="one label"),
    ],
)
def test_a_dns_name_has_one_form(written: str, ascii_form: str) -> None:
    assert ascii_form == ascii_name(written)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(f"{LABEL}a.example.com", id="a label of 64 characters"),
        pytest.param("ü" * 63 + ".example", id="a Unicode label that is too long as an A-label"),
        pytest.param("a..example.com", id="an empty label"),
        pytest.param(".example.com", id="a leading dot"),
        pytest.param("example.com.", id="a trailing dot"),
        pytest.param("*.", id="a wildcard of nothing"),
        pytest.param(".".join(["a" * 50] * 6), id="more than 253 characters"),
        pytest.param("a\u2024\u200db.example", id="characters that IDNA forbids"),
        pytest.param("\ud800.example", id="half a surrogate pair"),
    ],
)
def test_what_is_no_dns_name_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidNameError, match="dnsNames: "):
        ascii_name(name)


@given(st.text(max_size=300))
def test_any_text_is_a_dns_name_or_is_refused(text: str) -> None:
    try:
        name = ascii_name(text)
    except InvalidNameError:
        return
    assert name == ascii_name(name)
    assert name.isascii()


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        pytest.param("10.0.0.1", "10.0.0.1", id="IPv4"),
        pytest.param("2001:DB8:0:0:0:0:0:1", "2001:db8::1", id="IPv6 in full"),
        pytest.param("2001:db8::0:1", "2001:db8::1", id="IPv6 half shortened"),
        pytest.param("::", "::", id="the unspecified address"),
    ],
)
def test_an_address_has_one_form(written: str, normal: str) -> None:
    assert frozenset({normal}) == requested_names(spec_of(ipAddresses=[written])).ip


@pytest.mark.parametrize("text", ["10.0.0.256", "010.0.0.1", "10.0.0.0/8", "fe80::1%eth0", "a.example.com", ":::"])
def test_what_is_no_address_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(InvalidNameError, match="ipAddresses: "):
        requested_names(spec_of(ipAddresses=[text]))


ALL_KINDS = spec_of(
    dnsNames=["B.example.com", "a.example.com", "*.example.com"],
    ipAddresses=["10.0.0.1", "2001:db8::1"],
    uris=["spiffe://example.com/a"],
    emailAddresses=["pki@example.com"],
    otherNames=[{"oid": "1.3.6.1.4.1.311.20.2.3", "utf8Value": "user@büro.example"}],
)


def test_the_names_of_a_certificate_are_those_that_were_asked_for() -> None:
    assert requested_names(ALL_KINDS) == names_of(CA.issue(ALL_KINDS).extensions)


def test_all_names_are_told_in_order() -> None:
    expected = [
        "*.example.com",
        "1.3.6.1.4.1.311.20.2.3:user@büro.example",
        "10.0.0.1",
        "2001:db8::1",
        "a.example.com",
        "b.example.com",
        "pki@example.com",
        "spiffe://example.com/a",
    ]
    assert expected == requested_names(ALL_KINDS).describe()


def test_names_without_one_are_false() -> None:
    assert not Names()
    assert requested_names(ALL_KINDS)


def test_what_the_other_names_lack_is_told_kind_by_kind() -> None:
    address, disguised = Names(ip=frozenset({"10.0.0.1"})), Names(dns=frozenset({"10.0.0.1"}))
    assert address.without(disguised).describe() == ["10.0.0.1"]
    assert not address.without(address)


def test_the_same_names_are_the_same_request_whatever_their_order() -> None:
    turned = spec_of(dnsNames=["a.example.com", "b.example.com"]), spec_of(dnsNames=["b.example.com", "a.example.com"])
    assert general_names(requested_names(turned[0])) == general_names(requested_names(turned[1]))


def with_san(*names: x509.GeneralName) -> x509.Certificate:
    return CA.sign(common_name("odd"), key_of(), [(x509.SubjectAlternativeName(names), False)])


OID = x509.ObjectIdentifier("1.2.3")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param(x509.DNSName("A.Example.COM"), Names(dns=frozenset({"a.example.com"})), id="capitals"),
        pytest.param(
            x509.IPAddress(ipaddress.ip_network("10.0.0.0/8")), Names(ip=frozenset({"10.0.0.0/8"})), id="a network"
        ),
        pytest.param(x509.RegisteredID(OID), Names(), id="a registered ID"),
        pytest.param(x509.DirectoryName(common_name("x")), Names(), id="a directory name"),
        pytest.param(
            x509.OtherName(OID, b"\x0c\x01a"), Names(other=frozenset({("1.2.3", "a")})), id="a UTF-8 otherName"
        ),
        pytest.param(
            x509.OtherName(OID, b"\x04\x01a"), Names(other=frozenset({("1.2.3", "040161")})), id="an octet string"
        ),
        pytest.param(
            x509.OtherName(OID, b"\x0c\x01\xff"), Names(other=frozenset({("1.2.3", "0c01ff")})), id="broken UTF-8"
        ),
        pytest.param(
            x509.OtherName(OID, b"\x2c\x03\x0c\x01a"),
            Names(other=frozenset({("1.2.3", "2c030c0161")})),
            id="a string in pieces, which DER forbids",
        ),
    ],
)
def test_odd_names_in_a_certificate_are_read_or_left_out(name: x509.GeneralName, expected: Names) -> None:
    assert expected == names_of(with_san(name).extensions)


def nested_string(depth: int) -> bytes:
    value = b"\x0c\x01a"
    for _ in range(depth):
        size = len(value)
        length = bytes([size]) if size < 0x80 else b"\x82" + size.to_bytes(2)
        value = b"\x2c" + length + value
    return value


def test_a_deeply_nested_name_does_not_exhaust_the_stack() -> None:
    value = nested_string(5000)
    assert Names(other=frozenset({("1.2.3", value.hex())})) == names_of(with_san(x509.OtherName(OID, value)).extensions)


ia5 = st.text(st.characters(max_codepoint=127), max_size=40)
odd_names = st.one_of(
    ia5.map(x509.DNSName),
    ia5.map(x509.UniformResourceIdentifier),
    st.ip_addresses().map(x509.IPAddress),
    st.just(x509.RegisteredID(OID)),
    st.binary(max_size=40).map(lambda value: x509.OtherName(OID, b"\x0c" + bytes([len(value)]) + value)),
    st.tuples(st.integers(1, 30), st.binary(max_size=40)).map(
        lambda tagged: x509.OtherName(OID, bytes([tagged[0], len(tagged[1])]) + tagged[1])
    ),
)


@given(st.lists(odd_names, min_size=1, max_size=5))
def test_whatever_a_certificate_holds_its_names_can_be_told(names: list[x509.GeneralName]) -> None:
    told = names_of(with_san(*names).extensions).describe()
    assert sorted(told) == told


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param("SPIFFE://Example.COM/Ns/A", "spiffe://example.com/Ns/A", id="scheme and host"),
        pytest.param("https://User@Example.com:443?Q#F", "https://User@example.com:443?Q#F", id="all parts"),
        pytest.param("URN:uuid:F81D", "urn:uuid:F81D", id="no host"),
        pytest.param("https://Example.com", "https://example.com", id="a host alone"),
    ],
)
def test_a_uri_is_the_same_in_capitals_where_rfc_3986_says_so(written: str, expected: str) -> None:
    asked = requested_names(spec_of(dnsNames=None, uris=[written]))
    assert asked.uri == {expected}
    assert asked == names_of(with_san(x509.UniformResourceIdentifier(written)).extensions)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        pytest.param({"uris": ["https://bücher.example/"]}, "uris: 'https://bücher.example/' is not ASCII", id="URI"),
        pytest.param({"emailAddresses": ["ü@example.com"]}, "emailAddresses: 'ü@example.com' has a local", id="local"),
        pytest.param({"emailAddresses": ["a@b..c"]}, "emailAddresses: 'b..c' is not a domain name", id="domain"),
        pytest.param({"emailAddresses": ["A<a@b.c>"]}, "emailAddresses: 'A<a@b.c>' is not an e-mail", id="with a name"),
        pytest.param({"otherNames": [{"oid": "9.9.9", "utf8Value": "x"}]}, "otherNames: 9.9.9 is not an", id="OID"),
        pytest.param({"dnsNames": ["a.test\0.example.com"]}, "dnsNames: 'a.test\\x00.example.com' holds a c", id="NUL"),
        pytest.param({"uris": ["x://a\0.b"]}, "uris: 'x://a\\x00.b' holds a control character", id="NUL in a URI"),
        pytest.param({"emailAddresses": ["a@b\0@c"]}, "emailAddresses: 'a@b\\x00@c' holds a", id="NUL in an address"),
        pytest.param(
            {"otherNames": [{"oid": "1.2.3", "utf8Value": "a@b\0@c"}]},
            "otherNames: 'a@b\\x00@c' holds",
            id="NUL in a UPN",
        ),
        pytest.param({"dnsNames": ["a" * 64 + ".example"]}, "longer than 63 characters", id="a label of 64"),
        pytest.param({"dnsNames": ["ü" * 60 + ".example"]}, "is not a domain name", id="a label that gets longer"),
    ],
)
def test_a_name_that_cannot_be_encoded_is_refused_with_its_field(fields: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidNameError) as caught:
        requested_names(spec_of(**fields))
    assert told in str(caught.value)


SUBJECT = {
    "organizations": ["Example"],
    "countries": ["AT"],
    "organizationalUnits": ["PKI", "Web"],
    "localities": ["Wien"],
    "provinces": ["Wien"],
    "streetAddresses": ["Ring 1"],
    "postalCodes": ["1010"],
    "serialNumber": "42",
}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, "", id="none"),
        pytest.param({"commonName": "web"}, "CN=web", id="the common name"),
        pytest.param(
            {"subject": SUBJECT, "commonName": "web"},
            "CN=web,2.5.4.5=42,OU=Web,OU=PKI,O=Example,2.5.4.17=1010,STREET=Ring 1,L=Wien,ST=Wien,C=AT",
            id="every part",
        ),
        pytest.param({"literalSubject": "CN=web,O=Example+L=Wien"}, "CN=web,O=Example+L=Wien", id="literal"),
    ],
)
def test_the_subject_is_the_one_asked_for(fields: dict[str, object], expected: str) -> None:
    assert expected == requested_subject(spec_of(**fields)).rfc4514_string()


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"subject": {"countries": ["AUT"]}}, id="a country of three letters"),
        pytest.param({"literalSubject": "no subject at all"}, id="no RFC 4514"),
        pytest.param({"literalSubject": "CN=\\zz"}, id="a broken escape"),
        pytest.param({"literalSubject": "NONSENSE=x"}, id="an unknown attribute"),
    ],
)
def test_a_subject_that_cannot_be_encoded_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidNameError, match="subject"):
        requested_subject(spec_of(**fields))


@given(st.text(max_size=100))
def test_any_literal_subject_is_read_or_refused(text: str) -> None:
    try:
        subject = requested_subject(spec_of(literalSubject=text or "CN=x"))
    except InvalidNameError:
        return
    assert isinstance(subject.rfc4514_string(), str)
