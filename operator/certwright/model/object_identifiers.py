"""Object identifiers that users write, wherever a Certificate takes one."""

from cryptography import x509


def object_identifier(text: str) -> x509.ObjectIdentifier:
    """The identifier; ``ValueError`` for the few that the CRD's pattern lets through, such as 2.999999…9 or 1.40.1."""
    try:
        return x509.ObjectIdentifier(text)
    except ValueError as error:
        raise ValueError(f"{text} is not an object identifier that can be encoded") from error
