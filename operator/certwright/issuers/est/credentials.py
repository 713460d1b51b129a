"""The issuer's credentials, read and seen to fit together before a server is asked."""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certwright.model import keys
from certwright.model.chain import UNREADABLE, load_certificates, to_pem
from certwright.model.enrolment import CurrentCertificate, OneTimeCredential
from certwright.model.errors import IssuerError
from certwright.model.keys import PrivateKey
from certwright.model.reasons import Reason
from certwright.model.resources import ESTIssuer
from certwright.model.usages import may_receive_keys
from certwright.model.verification import is_key_of
from certwright.protocols.est import AsymmetricDecryption, BearerToken, Credentials, HTTPScheme, Password
from certwright.protocols.transport import ClientIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class ESTCredentials:
    """What the issuer's references hold, as it stands there; None where the issuer names none.

    ``client_certificate`` and ``client_key`` are PEM: tls.crt and tls.key of one Secret.
    """

    password: bytes | None = field(default=None, repr=False)
    bearer: bytes | None = field(default=None, repr=False)
    client_certificate: bytes | None = field(default=None, repr=False)
    client_key: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientPair:
    """A client certificate and its key, which fit."""

    leaf: x509.Certificate
    key: PrivateKey = field(repr=False)
    identity: ClientIdentity = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuerIdentity:
    """Who the issuer is to its server; ``pair`` is None without a client certificate."""

    pair: ClientPair | None
    http: Credentials

    @property
    def tls(self) -> ClientIdentity | None:
        """What is shown in the handshake."""
        return self.pair.identity if self.pair else None

    @property
    def has_credential(self) -> bool:
        """Whether there is any; some servers issue to everybody."""
        return self.pair is not None or self.http != Credentials()

    def refuse_expired(self, now: datetime) -> None:
        """Raise where the client certificate is not valid any more, or not yet."""
        if self.pair is None:
            return
        leaf = self.pair.leaf
        if leaf.not_valid_after_utc <= now:
            raise _invalid(f"the certificate expired at {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}: renew it")
        if leaf.not_valid_before_utc > now:
            raise _invalid(f"the certificate is not valid before {leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}")

    def decryption(self) -> AsymmetricDecryption:
        """To whom a server-made key is encrypted; raises where the issuer has no key that can be encrypted to.

        The identifier must be known to the server beforehand (RFC 7030 §4.4.1.2): the subject key identifier is the one
        that it can find in a certificate it has seen.
        """
        pair = self.pair
        key = pair.key if pair else None
        if (
            pair is None
            or not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
            or not may_receive_keys(pair.leaf)
        ):
            raise IssuerError(
                "The server sends its keys only encrypted, and there is nobody to encrypt them to: set"
                " est.auth.clientCertificate to an RSA certificate for key encipherment, or an ECDSA one for key"
                " agreement.",
                reason=Reason.INVALID_CONFIGURATION,
            )
        return AsymmetricDecryption(
            certificate=pair.leaf, private_key=key, identifier=_subject_key_identifier(pair.leaf)
        )


def read_identity(spec: ESTIssuer, credentials: ESTCredentials) -> IssuerIdentity:
    """The issuer's credentials as they are sent; raises `IssuerError` where they do not fit together."""
    auth = spec.auth
    password, bearer = None, None
    if auth is not None and auth.password is not None:
        scheme = HTTPScheme(str(auth.password.scheme or HTTPScheme.AUTO))
        text = _text(credentials.password, "est.auth.password")
        password = Password(username=auth.password.username, password=text, scheme=scheme)
    if auth is not None and auth.bearer is not None:
        bearer = BearerToken(token=_text(credentials.bearer, "est.auth.bearer", is_token=True))
    has_pair = auth is not None and auth.client_certificate is not None
    pair = _pair(credentials) if has_pair else None
    return IssuerIdentity(pair=pair, http=Credentials(password=password, bearer=bearer))


def own_password(credential: OneTimeCredential, spec: ESTIssuer) -> Credentials:
    """The Certificate's own password, sent as the issuer's would be; raises its obstacle."""
    scheme = spec.auth.password.scheme if spec.auth and spec.auth.password else None
    text = _text(credential.use(), "est.password of the Certificate")
    return Credentials(
        password=Password(
            username=credential.username, password=text, scheme=HTTPScheme(str(scheme or HTTPScheme.AUTO))
        )
    )


def identity_of(current: CurrentCertificate) -> ClientIdentity:
    """The pair in the Secret, for the handshake."""
    return ClientIdentity(certificates=to_pem((current.leaf, *current.chain)), private_key=keys.encode(current.key))


def _pair(credentials: ESTCredentials) -> ClientPair:
    if not credentials.client_certificate or not credentials.client_key:
        raise _invalid("the Secret lacks tls.crt or tls.key")
    try:
        chain = load_certificates(credentials.client_certificate)
        key = keys.load(credentials.client_key)
    except keys.InvalidKeyError as error:
        raise _invalid(f"tls.key is {error}") from error
    except ValueError as error:
        raise _invalid("tls.crt holds no readable PEM certificate") from error
    if not is_key_of(chain[0], key):
        raise _invalid("tls.key does not belong to the first certificate of tls.crt")
    identity = ClientIdentity(certificates=credentials.client_certificate, private_key=keys.encode(key))
    return ClientPair(leaf=chain[0], key=key, identity=identity)


def _invalid(why: str) -> IssuerError:
    return IssuerError(f"est.auth.clientCertificate cannot be used: {why}.", reason=Reason.INVALID_CREDENTIALS)


def _text(value: bytes | None, field_name: str, *, is_token: bool = False) -> str:
    """A secret that goes into a header, without the line end that ``kubectl create secret --from-file`` brings."""
    try:
        text = (value or b"").decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise IssuerError(f"The secret of {field_name} is not UTF-8.", reason=Reason.INVALID_CREDENTIALS) from error
    text = text.strip() if is_token else text
    if not text:
        raise IssuerError(f"The secret of {field_name} is empty.", reason=Reason.INVALID_CREDENTIALS)
    if not text.isprintable() or (is_token and not text.isascii()):
        message = f"The secret of {field_name} holds characters that HTTP cannot send."
        raise IssuerError(message, reason=Reason.INVALID_CREDENTIALS)
    return text


def _subject_key_identifier(leaf: x509.Certificate) -> bytes:
    try:
        return leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, *UNREADABLE):
        return x509.SubjectKeyIdentifier.from_public_key(leaf.public_key()).digest
