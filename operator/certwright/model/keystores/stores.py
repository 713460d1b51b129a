"""Which keystores a Certificate wants, and all of them made."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from certwright.model.keystores.jks import Writer
from certwright.model.keystores.pkcs12 import key_store, trust_store
from certwright.model.keystores.profiles import PROFILES
from certwright.model.keystores.salts import Salts
from certwright.model.resources import CertificateSpec, JKSKeystore, PKCS12Keystore, PKCS12Profile, SecretKeySelector
from certwright.model.tls_secret import KeyPair, delivered_pair

JKS_KEYSTORE, JKS_TRUSTSTORE = "keystore.jks", "truststore.jks"
PKCS12_KEYSTORE, PKCS12_TRUSTSTORE = "keystore.p12", "truststore.p12"

DEFAULT_ALIAS = "certificate"
TRUSTED_ALIAS = "ca"
DEFAULT_PROFILE = PKCS12Profile.LEGACY_DES
LONGEST_PASSWORD = 1024
"""Characters. Each costs time in every derivation, and nobody types more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passwords:
    """The passwords of the wanted stores; None where that store is not wanted."""

    jks: str | None = field(default=None, repr=False)
    pkcs12: str | None = field(default=None, repr=False)


def wanted_stores(spec: CertificateSpec) -> tuple[JKSKeystore | None, PKCS12Keystore | None]:
    """What ``spec.keystores`` asks for; ``create: false`` asks for nothing."""
    stores = spec.keystores
    jks, pkcs12 = (stores.jks, stores.pkcs12) if stores else (None, None)
    return jks if jks and jks.create else None, pkcs12 if pkcs12 and pkcs12.create else None


def password_refs(spec: CertificateSpec) -> tuple[SecretKeySelector, ...]:
    """Where the passwords of the wanted stores are that do not stand in the spec."""
    stores = (store for store in wanted_stores(spec) if store and store.password is None)
    return tuple(store.password_secret_ref for store in stores if store.password_secret_ref)


def store_names(spec: CertificateSpec, anchors: Iterable[x509.Certificate]) -> tuple[str, ...]:
    """The keys in the Secret's data; truststores are there only where the CA told its certificate."""
    jks, pkcs12 = wanted_stores(spec)
    wanted = [(JKS_KEYSTORE, JKS_TRUSTSTORE)] if jks else []
    wanted += [(PKCS12_KEYSTORE, PKCS12_TRUSTSTORE)] if pkcs12 else []
    is_told = any(True for _ in anchors)
    return tuple(name for pair in wanted for name in (pair if is_told else pair[:1]))


def objection(spec: CertificateSpec) -> str | None:
    """Why a wanted store cannot be written, with the remedy; None: all can."""
    _, pkcs12 = wanted_stores(spec)
    if pkcs12 is None or pkcs12.profile is None or pkcs12.profile in PROFILES:
        return None
    return (
        f"spec.keystores.pkcs12.profile: {pkcs12.profile} cannot be written, for no library encrypts with 40-bit RC2 "
        f"any more: set {DEFAULT_PROFILE} or leave profile out; what reads {pkcs12.profile} reads {DEFAULT_PROFILE} too"
    )


def rendered(spec: CertificateSpec, pair: KeyPair, passwords: Passwords) -> dict[str, bytes]:
    """Every wanted store, by its key in the Secret's data. It takes about ten milliseconds: not for the event loop."""
    jks, pkcs12 = wanted_stores(spec)
    delivered = delivered_pair(spec, pair)
    made: dict[str, bytes] = {}
    if jks is not None and passwords.jks is not None:
        made |= _jks(jks, delivered, passwords.jks)
    if pkcs12 is not None and passwords.pkcs12 is not None:
        made |= _pkcs12(pkcs12, delivered, passwords.pkcs12)
    return made


def _jks(wanted: JKSKeystore, pair: KeyPair, password: str) -> dict[str, bytes]:
    # The JDK looks for an alias in lower case, whatever case it is asked for in.
    alias = (wanted.alias or DEFAULT_ALIAS).lower()
    trusted = _named(pair.anchors, besides=alias)

    def writer(name: str) -> Writer:
        salts = _salts(pair, name, password, alias)
        return Writer(password, date=pair.leaf.not_valid_before_utc, salts=salts)

    keys = writer(JKS_KEYSTORE)
    keys.add_key(alias, _private_key(pair), pair.chain)
    keys.add_trusted(trusted)
    made = {JKS_KEYSTORE: keys.store()}
    if trusted:
        trust = writer(JKS_TRUSTSTORE)
        trust.add_trusted(_named(pair.anchors))
        made[JKS_TRUSTSTORE] = trust.store()
    return made


def _pkcs12(wanted: PKCS12Keystore, pair: KeyPair, password: str) -> dict[str, bytes]:
    name = wanted.profile or DEFAULT_PROFILE
    profile, trusted = PROFILES[name], _named(pair.anchors)
    chain = dict.fromkeys((*pair.chain, *pair.anchors))
    salts = _salts(pair, PKCS12_KEYSTORE, password, name)
    made = {PKCS12_KEYSTORE: key_store(_private_key(pair), chain, profile, password=password, salts=salts)}
    if trusted:
        salts = _salts(pair, PKCS12_TRUSTSTORE, password, name)
        made[PKCS12_TRUSTSTORE] = trust_store(trusted, profile, password=password, salts=salts)
    return made


def _named(anchors: Iterable[x509.Certificate], *, besides: str = "") -> dict[str, x509.Certificate]:
    """Each anchor once, as ``ca``, ``ca-1``, ``ca-2`` …, but for a name that is taken."""
    found = tuple(dict.fromkeys(anchors))
    names = [TRUSTED_ALIAS, *(f"{TRUSTED_ALIAS}-{number}" for number in range(1, len(found) + 1))]
    return dict(zip((name for name in names if name != besides), found, strict=False))


def _salts(pair: KeyPair, *subject: str) -> Salts:
    certificates = (one.public_bytes(Encoding.DER) for one in (*pair.chain, *pair.anchors))
    return Salts(_private_key(pair), [*(part.encode() for part in subject), *certificates])


def _private_key(pair: KeyPair) -> bytes:
    return pair.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
