"""Makes ACME drivers: protocol client, account key, solvers and credentials put together for one issuer."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from certwright.handlers.credentials import ACMECredentials
from certwright.handlers.recipes import digest_of
from certwright.handlers.solving import SolverParts, configured_solvers
from certwright.issuers.acme import ACMEDriver
from certwright.model.enrolment import Issuer
from certwright.model.errors import IssuerError
from certwright.model.observed import KnownIssuer
from certwright.model.reasons import Reason
from certwright.model.resources import ACMEIssuer, BindingAlgorithm, CredentialSeen
from certwright.protocols.acme import AccountKey, ACMEClient, ExternalAccountBinding, MACAlgorithm, decode_mac_key
from certwright.protocols.transport import TransportSettings, UnusableTrust, open_client
from certwright.reconcile.issuer import is_new_account_wanted
from certwright.runtime.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class ACMERecipe:
    """Everything for an ACME driver."""

    issuer: KnownIssuer
    spec: ACMEIssuer
    credentials: ACMECredentials = field(repr=False)
    transport: TransportSettings
    solver_parts: SolverParts
    clock: Clock

    @property
    def digest(self) -> str:
        """Over all that makes the driver what it is; one way, so that it may be kept."""
        credentials = self.credentials
        account = self.issuer.status.acme
        public = credentials.account_key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return digest_of(
            self.issuer,
            (account.uri or "" if account else "").encode(),
            credentials.binding_secret,
            self.transport.roots,
            *credentials.solver_secrets.values(),
            public,
        )

    @property
    def expiring(self) -> tuple[CredentialSeen, ...]:
        """An account key does not expire."""
        return ()

    def make(self) -> tuple[Issuer, Callable[[], Awaitable[None]]]:
        """Open the connections."""
        try:
            http = open_client(self.transport)
            key = AccountKey(self.credentials.account_key)  # type: ignore[arg-type]  # checked by AccountKey itself
        except (UnusableTrust, ValueError) as error:
            raise IssuerError(f"{self.issuer.key}: {error}", reason=Reason.INVALID_CONFIGURATION) from error
        client = ACMEClient(self.spec.server, key, http=http, clock=self.clock.now, account_url=self._known_account())
        driver = ACMEDriver(
            self.spec,
            client,
            solvers=configured_solvers(
                self.issuer, self.spec, self.credentials, self.solver_parts, self.transport.addresses
            ),
            clock=self.clock.now,
            binding=self._binding(),
        )
        return driver, http.aclose

    def _known_account(self) -> str | None:
        """The account as it was registered, if it was at this very server and no new one is wanted."""
        account = self.issuer.status.acme
        if account is None or account.server != self.spec.server or is_new_account_wanted(self.issuer):
            return None
        return account.uri

    def _binding(self) -> ExternalAccountBinding | None:
        binding, secret = self.spec.external_account_binding, self.credentials.binding_secret
        if binding is None or secret is None:
            return None
        try:
            mac_key = decode_mac_key(secret.decode("ascii").strip())
        except ValueError as error:
            name = binding.key_secret_ref.name
            text = f"the external account key in Secret {name} is not base64: copy it again as the CA shows it"
            raise IssuerError(text, reason=Reason.INVALID_CREDENTIALS) from error
        algorithm = MACAlgorithm(str(binding.algorithm or BindingAlgorithm.HS256))
        return ExternalAccountBinding(key_id=binding.key_id, mac_key=mac_key, algorithm=algorithm)
