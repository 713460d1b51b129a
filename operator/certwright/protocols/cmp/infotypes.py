"""The names of what generalInfo, genm and genp carry (RFC 9810 §5.1.1, §5.3.19)."""

from enum import StrEnum


class InfoType(StrEnum):
    """The id-it arc, by OID. Some servers swapped numbers of neighbours, so that answers are compared strictly."""

    CA_PROT_ENC_CERT = "1.3.6.1.5.5.7.4.1"
    SIGN_KEY_PAIR_TYPES = "1.3.6.1.5.5.7.4.2"
    ENC_KEY_PAIR_TYPES = "1.3.6.1.5.5.7.4.3"
    PREFERRED_SYMM_ALG = "1.3.6.1.5.5.7.4.4"
    CA_KEY_UPDATE_INFO = "1.3.6.1.5.5.7.4.5"
    CURRENT_CRL = "1.3.6.1.5.5.7.4.6"
    UNSUPPORTED_OIDS = "1.3.6.1.5.5.7.4.7"
    KEY_PAIR_PARAM_REQ = "1.3.6.1.5.5.7.4.10"
    KEY_PAIR_PARAM_REP = "1.3.6.1.5.5.7.4.11"
    REV_PASSPHRASE = "1.3.6.1.5.5.7.4.12"  # noqa: S105 - an OID
    IMPLICIT_CONFIRM = "1.3.6.1.5.5.7.4.13"
    CONFIRM_WAIT_TIME = "1.3.6.1.5.5.7.4.14"
    ORIG_PKI_MESSAGE = "1.3.6.1.5.5.7.4.15"
    SUPP_LANG_TAGS = "1.3.6.1.5.5.7.4.16"
    CA_CERTS = "1.3.6.1.5.5.7.4.17"
    ROOT_CA_KEY_UPDATE = "1.3.6.1.5.5.7.4.18"
    CERT_REQ_TEMPLATE = "1.3.6.1.5.5.7.4.19"
    ROOT_CA_CERT = "1.3.6.1.5.5.7.4.20"
    CERT_PROFILE = "1.3.6.1.5.5.7.4.21"
    CRL_STATUS_LIST = "1.3.6.1.5.5.7.4.22"
    CRLS = "1.3.6.1.5.5.7.4.23"
    KEM_CIPHERTEXT_INFO = "1.3.6.1.5.5.7.4.24"
