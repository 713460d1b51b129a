"""A literal subject is read as RFC 4514 has it, of any attribute, or is refused in words its author can use."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from certwright.model.distinguished_name import name_attribute, parse_distinguished_name
from certwright.model.names import InvalidNameError, requested_subject
from tests.model.builders import spec_of

UTF8, PRINTABLE, IA5, BMP = 0x0C, 0x13, 0x16, 0x1E


@pytest.mark.parametrize(
    "text",
    [
        "CN=web",
        "CN=web,OU=PKI,O=Example,C=AT",
        "CN=web,O=Example+L=Wien",
        "UID=jsmith,DC=example,DC=com",
        'CN=a\\,b\\+c\\;d\\<e\\>f\\\\g\\"h',
        "CN=\\ with spaces around\\ ",
        "CN=\\#no DER",
        "CN=Füchsl 雨",
        "1.3.6.1.4.1.99999.1=value,CN=web",
        "2.5.4.5=42,CN=web",
        "CN=a=b",
    ],
)
def test_a_literal_subject_comes_back_as_it_was_written(text: str) -> None:
    assert text == requested_subject(spec_of(literalSubject=text)).rfc4514_string()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("cn=web,o=Example", "CN=web,O=Example", id="small letters"),
        pytest.param("CN = web , O = Example", "CN=web,O=Example", id="spaces"),
        pytest.param("SERIALNUMBER=42", "2.5.4.5=42", id="cert-manager's serial number"),
        pytest.param("emailAddress=a@example.com", "1.2.840.113549.1.9.1=a@example.com", id="an OpenSSL name"),
        pytest.param("CN=L\\c3\\bc", "CN=Lü", id="UTF-8 in hexadecimal pairs"),
        pytest.param("CN=a\\2cb", "CN=a\\,b", id="a comma in hexadecimal"),
        pytest.param("CN=#0c03616263", "CN=abc", id="DER of a UTF8String"),
        pytest.param("2.5.4.45=#03020001", "2.5.4.45=#0001", id="DER of a BIT STRING"),
        pytest.param("CN=a\\\\ ,O=b", "CN=a\\\\,O=b", id="an escaped backslash before a space"),
    ],
)
def test_what_is_written_otherwise_means_the_same(text: str, expected: str) -> None:
    assert expected == parse_distinguished_name(text).rfc4514_string()


def test_what_is_written_first_comes_last_in_the_name() -> None:
    names = parse_distinguished_name("CN=web,O=Example+L=Wien,C=AT").rdns
    assert [[attribute.rfc4514_attribute_name for attribute in one] for one in names] == [["C"], ["O", "L"], ["CN"]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("web", "'web' is not of the form CN=value", id="no attribute"),
        pytest.param("CN=web,", "'' is not of the form", id="a comma at the end"),
        pytest.param("CN=Example, Inc", "a comma in a value is written", id="a comma in a value"),
        pytest.param("NONSENSE=x", "'NONSENSE' is not a known attribute; write its object identifier", id="unknown"),
        pytest.param("9.9.9=x", "9.9.9 is not an object identifier", id="an impossible identifier"),
        pytest.param("CN=", "CN has no value", id="no value"),
        pytest.param("CN= ", "CN has no value", id="spaces alone"),
        pytest.param('CN="a"', "holds '\"'", id="quotes"),
        pytest.param("CN=a;O=b", "holds ';'", id="an old separator"),
        pytest.param("CN=\\zz", "holds 'z'", id="a broken escape"),
        pytest.param("CN=a\\", r"holds '\\'", id="an escape of nothing"),
        pytest.param("CN=\\c3", "is not UTF-8", id="half a letter"),
        pytest.param("CN=#0c", "is not the DER of a string", id="DER cut off"),
        pytest.param("CN=#0c0161ff", "is not the DER of a string", id="DER with something behind it"),
        pytest.param("CN=#0c00", "is not the DER of a string", id="DER of an empty string"),
        pytest.param("CN=#0c01ff", "is not the DER of a string", id="DER of broken UTF-8"),
        pytest.param("1.2.3=#30020500", "is not the DER of a string", id="DER of a sequence"),
        pytest.param("CN=a.example.com\\00.example.org", "holds a control character", id="an end in the middle"),
        pytest.param("CN=a\nb", "holds a control character", id="a line end"),
        pytest.param("CN=#0c03610062", "is not the DER of a string", id="DER with an end in the middle"),
        pytest.param("CN=#0c41" + "61" * 65, "is not the DER of a string", id="DER of a name that is too long"),
        pytest.param("C=#130161", "is not the DER of a string", id="DER of half a country"),
        pytest.param("CN=#xy", "is not the DER of a string", id="no hexadecimal digits"),
        pytest.param("C=AUT", "C 'AUT' is not a country code of two letters", id="a country of three letters"),
        pytest.param("CN=" + "a" * 65, "is longer than 64 bytes", id="a long common name"),
        pytest.param("DC=bücher", "write domains as xn-- labels", id="a domain component in Unicode"),
        pytest.param("CN=a+CN=a", "duplicate", id="the same twice in one place"),
    ],
)
def test_what_is_no_distinguished_name_is_refused_in_words(text: str, told: str) -> None:
    with pytest.raises(InvalidNameError, match=r"^literalSubject: ") as caught:
        requested_subject(spec_of(literalSubject=text))
    assert told in str(caught.value)


def tag_of(attribute: x509.NameAttribute[str | bytes]) -> int:
    """The type of the string, which is the last thing in the name: a tag, a length and the text."""
    return x509.Name([attribute]).public_bytes()[-len(attribute.value) - 2]


@pytest.mark.parametrize(
    ("oid", "value", "expected"),
    [
        pytest.param(NameOID.ORGANIZATION_NAME, "Example", UTF8, id="most are UTF-8"),
        pytest.param(NameOID.COUNTRY_NAME, "AT", PRINTABLE, id="a country"),
        pytest.param(NameOID.SERIAL_NUMBER, "A-42", PRINTABLE, id="a serial number"),
        pytest.param(NameOID.SERIAL_NUMBER, "A_42", UTF8, id="a serial number that is not printable"),
        pytest.param(NameOID.DOMAIN_COMPONENT, "example", IA5, id="a domain component"),
        pytest.param(NameOID.EMAIL_ADDRESS, "a@example.com", IA5, id="an e-mail address"),
    ],
)
def test_a_text_becomes_a_string_that_strict_cas_can_read(
    oid: x509.ObjectIdentifier, value: str, expected: int
) -> None:
    assert expected == tag_of(name_attribute(oid, value))


@pytest.mark.parametrize(
    ("digits", "expected"),
    [
        pytest.param("13026162", PRINTABLE, id="PrintableString"),
        pytest.param("1e0400610062", BMP, id="BMPString"),
    ],
)
def test_the_type_of_string_that_was_written_stays(digits: str, expected: int) -> None:
    name = parse_distinguished_name(f"CN=#{digits}")
    assert name.rfc4514_string() == "CN=ab"
    assert bytes([expected]) + bytes.fromhex(digits)[1:] in name.public_bytes()


special = st.text(st.sampled_from('ab ü#"\\+,;<>='), min_size=1, max_size=20)


@given(st.lists(special, min_size=1, max_size=3))
def test_any_values_survive_writing_and_reading(values: list[str]) -> None:
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in values])
    assert name == parse_distinguished_name(name.rfc4514_string())
