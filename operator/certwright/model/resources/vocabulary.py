"""Closed sets of words that more than one resource uses; the value is the API's spelling."""

from enum import StrEnum


class Protocol(StrEnum):
    """The protocols, named as the block of an Issuer that chooses them."""

    ACME = "acme"
    EST = "est"
    CMP = "cmp"
    SCEP = "scep"


class IssuerKind(StrEnum):
    """The two kinds that issue."""

    ISSUER = "Issuer"
    CLUSTER_ISSUER = "ClusterIssuer"


class KeyAlgorithm(StrEnum):
    """What a private key can be."""

    RSA = "RSA"
    ECDSA = "ECDSA"
    ED25519 = "Ed25519"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"


class SignatureAlgorithm(StrEnum):
    """How a request is signed: cert-manager's names, then FIPS 204's."""

    SHA256_WITH_RSA = "SHA256WithRSA"
    SHA384_WITH_RSA = "SHA384WithRSA"
    SHA512_WITH_RSA = "SHA512WithRSA"
    ECDSA_WITH_SHA256 = "ECDSAWithSHA256"
    ECDSA_WITH_SHA384 = "ECDSAWithSHA384"
    ECDSA_WITH_SHA512 = "ECDSAWithSHA512"
    PURE_ED25519 = "PureEd25519"
    ML_DSA_44 = "ML-DSA-44"
    ML_DSA_65 = "ML-DSA-65"
    ML_DSA_87 = "ML-DSA-87"


class Usage(StrEnum):
    """Key usages and extended key usages under cert-manager's names."""

    SIGNING = "signing"
    DIGITAL_SIGNATURE = "digital signature"
    CONTENT_COMMITMENT = "content commitment"
    KEY_ENCIPHERMENT = "key encipherment"
    KEY_AGREEMENT = "key agreement"
    DATA_ENCIPHERMENT = "data encipherment"
    CERT_SIGN = "cert sign"
    CRL_SIGN = "crl sign"
    ENCIPHER_ONLY = "encipher only"
    DECIPHER_ONLY = "decipher only"
    ANY = "any"
    SERVER_AUTH = "server auth"
    CLIENT_AUTH = "client auth"
    CODE_SIGNING = "code signing"
    EMAIL_PROTECTION = "email protection"
    S_MIME = "s/mime"
    IPSEC_END_SYSTEM = "ipsec end system"
    IPSEC_TUNNEL = "ipsec tunnel"
    IPSEC_USER = "ipsec user"
    TIMESTAMPING = "timestamping"
    OCSP_SIGNING = "ocsp signing"
    MICROSOFT_SGC = "microsoft sgc"
    NETSCAPE_SGC = "netscape sgc"
