"""Resolves everything that an issuer refers to, and makes the one thing that certwright makes for it: the account key.

Drivers and solvers get bytes and keys, never names of Secrets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec

from certwright.kube.errors import ConflictError
from certwright.kube.references import References
from certwright.kube.secrets import Secrets, encoded
from certwright.model import keys
from certwright.model.enrolment import LearnedAnchor
from certwright.model.errors import IssuerError
from certwright.model.keys import PrivateKey
from certwright.model.learned import anchors_secret_name, from_data
from certwright.model.metadata import (
    ACCOUNT_SECRET_TYPE,
    ANCHORS_SECRET_TYPE,
    LABEL_MANAGED,
    LABEL_ROLE,
    ROLE_ACCOUNT,
    Kind,
)
from certwright.model.observed import KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer, SecretKeySelector, SecretReference, TrustBundle
from certwright.reconcile.issuer import is_new_account_wanted
from certwright.solvers.registry import SecretReference as SolverSecret
from certwright.solvers.registry import secrets_of

DEFAULT_TRUST_KEY = "ca.crt"
DEFAULT_ACCOUNT_KEY = "tls.key"
DEFAULT_BINDING_KEY = "secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class ACMECredentials:
    """What an ACME driver works with."""

    account_key: PrivateKey = field(repr=False)
    binding_secret: bytes | None = field(repr=False)
    solver_secrets: Mapping[SolverSecret, bytes] = field(repr=False)


class Credentials:
    """Resolves references for one operator."""

    def __init__(self, *, references: References, secrets: Secrets, operator_namespace: str) -> None:
        self._references = references
        self._secrets = secrets
        self._operator_namespace = operator_namespace

    def namespace_of(self, issuer: KnownIssuer) -> str:
        """Where the Secrets of an issuer are: its own namespace, or the operator's for a ClusterIssuer."""
        return self._operator_namespace if issuer.key.kind == Kind.CLUSTER_ISSUER else issuer.key.namespace

    async def acme(self, issuer: KnownIssuer, spec: ACMEIssuer) -> ACMECredentials:
        """All of an ACME issuer's; raises `MissingReference` or `IssuerError`."""
        namespace = self.namespace_of(issuer)
        binding = spec.external_account_binding
        secret = await self.read(issuer, binding.key_secret_ref, DEFAULT_BINDING_KEY) if binding else None
        solver_secrets = {
            reference: await self._references.secret(namespace, reference.name, reference.key)
            for solver in spec.solvers
            for reference in secrets_of(solver)
        }
        return ACMECredentials(
            account_key=await self._account_key(issuer, spec),
            binding_secret=secret,
            solver_secrets=solver_secrets,
        )

    async def learned(self, issuer: KnownIssuer) -> tuple[LearnedAnchor, ...]:
        """The trust anchors that the CA has handed over so far."""
        secret = await self._secrets.get(self.namespace_of(issuer), anchors_secret_name(issuer.metadata.uid))
        if secret is None or secret.type != ANCHORS_SECRET_TYPE:
            return ()
        return from_data(secret.data)

    async def roots(self, issuer: KnownIssuer, bundle: TrustBundle | None) -> bytes | None:
        """PEM of the trust anchors; None: the system's."""
        if bundle is None:
            return None
        if bundle.ca_bundle is not None:
            return bundle.ca_bundle
        namespace = self.namespace_of(issuer)
        if bundle.ca_bundle_secret_ref is not None:
            return await self.read(issuer, bundle.ca_bundle_secret_ref, DEFAULT_TRUST_KEY)
        if bundle.ca_bundle_config_map_ref is not None:
            ref = bundle.ca_bundle_config_map_ref
            return await self._references.config_map(namespace, ref.name, ref.key or DEFAULT_TRUST_KEY)
        return None

    async def read(self, issuer: KnownIssuer, ref: SecretKeySelector | SecretReference, default: str) -> bytes:
        """One value of a Secret that the issuer names; ``default`` is the key where it names none."""
        key = (ref.key if isinstance(ref, SecretKeySelector) else None) or default
        return await self._references.secret(self.namespace_of(issuer), ref.name, key)

    async def _account_key(self, issuer: KnownIssuer, spec: ACMEIssuer) -> PrivateKey:
        """The key in its Secret; made there only while no account exists that it would belong to."""
        namespace, ref = self.namespace_of(issuer), spec.private_key_secret_ref
        name = ref.key or DEFAULT_ACCOUNT_KEY
        if await self._secrets.get(namespace, ref.name) is None:
            await self._make_account_key(issuer, namespace, ref.name, name)
        pem = await self._references.secret(namespace, ref.name, name)
        try:
            return keys.load(pem)
        except keys.InvalidKeyError as error:
            text = f"{name} of Secret {namespace}/{ref.name} is no account key: {error}"
            raise IssuerError(text, reason=Reason.INVALID_CREDENTIALS) from error

    async def _make_account_key(self, issuer: KnownIssuer, namespace: str, name: str, data_key: str) -> None:
        account = issuer.status.acme
        if account is not None and account.uri and not is_new_account_wanted(issuer):
            raise IssuerError(
                f"account {account.uri} is registered, but Secret {namespace}/{name} with its key is gone: restore it, "
                "or set the annotation certwright.io/new-account to any new value to register a new account",
                reason=Reason.ACCOUNT_KEY_MISSING,
            )
        key = ec.generate_private_key(ec.SECP256R1())
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": {LABEL_MANAGED: "true", LABEL_ROLE: ROLE_ACCOUNT},
            },
            "type": ACCOUNT_SECRET_TYPE,
            "data": encoded({data_key: keys.encode(key)}),
        }
        try:
            await self._secrets.create(namespace, body)
        except ConflictError:
            return  # Made by somebody else meanwhile, and read as theirs.
