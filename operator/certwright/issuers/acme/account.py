"""Probing an ACME issuer: its directory, what the user's settings mean there, and the account (RFC 8555 §7.1.1, §7.3).

The account key is stored before this is called. An external account binding may serve only once, so the server is asked
whether it knows the key before a binding is sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from certwright.issuers.acme.failures import judged, sentence
from certwright.issuers.acme.means import Means
from certwright.issuers.judging import probing
from certwright.model.enrolment import IssuerReport
from certwright.model.errors import IssuerError
from certwright.model.reasons import Reason
from certwright.protocols.acme import Account, AccountStatus, Directory, ErrorType, ExternalAccountBinding, Problem

BINDING_REFUSED = frozenset({ErrorType.UNAUTHORIZED, ErrorType.MALFORMED, ErrorType.EXTERNAL_ACCOUNT_REQUIRED})
"""What servers say of a binding whose key they do not know or whose MAC is wrong."""

BINDING_REMEDY = (
    "See that acme.externalAccountBinding has the keyID, the key and the algorithm that the CA gave you; some CAs take"
    " each of them once."
)


@dataclass(slots=True)
class Probe:
    """Probes one issuer; kept as long as its driver, so that a contact is not sent again and again."""

    means: Means
    binding: ExternalAccountBinding | None
    has_sent_contact: bool = False

    async def run(self) -> IssuerReport:
        """Read the directory anew, and register or find the account."""
        with probing():
            with judged(self.means.server, "its directory"):
                directory = await self.means.client.refresh_directory()
            refuse_settings(directory, self.means, has_binding=self.binding is not None)
            with judged(self.means.server, "the account"):
                account = await self._account()
                self._refuse_unusable(account)
                await self._update_contact(account)
        return IssuerReport(
            message=f"The account {account.url} is registered.",
            capabilities=capabilities(directory),
            account_uri=account.url,
        )

    async def _account(self) -> Account:
        if self.binding is None and self.means.client.account_url is None:
            return await self._register()
        try:
            return await self.means.client.find_account()
        except Problem as problem:
            if problem.type is not ErrorType.ACCOUNT_DOES_NOT_EXIST:
                raise
        return await self._register()

    async def _register(self) -> Account:
        spec = self.means.spec
        try:
            return await self.means.client.new_account(
                contact=self._contact(), terms_agreed=spec.terms_of_service_agreed, binding=self.binding
            )
        except Problem as problem:
            if self.binding is None or problem.type not in BINDING_REFUSED:
                raise
            context = f"{self.means.server} refused the account with its external account binding"
            message = sentence(context, problem.document, BINDING_REMEDY)
            raise IssuerError(message, reason=Reason.INVALID_CREDENTIALS, code=problem.document.code) from problem

    def _refuse_unusable(self, account: Account) -> None:
        if account.status is not AccountStatus.VALID:
            secret = self.means.spec.private_key_secret_ref.name
            raise IssuerError(
                f"The account {account.url} is {account.status}: delete Secret {secret} with its key, and set the"
                " annotation certwright.io/new-account on the issuer, to register another.",
                reason=Reason.INVALID_CREDENTIALS,
            )

    async def _update_contact(self, account: Account) -> None:
        """Tell the server a changed contact, once: some accept it and keep none."""
        wanted = self._contact()
        if not wanted or account.created or self.has_sent_contact or set(account.contact) == set(wanted):
            return
        await self.means.client.update_account(contact=wanted)
        self.has_sent_contact = True

    def _contact(self) -> Sequence[str]:
        spec = self.means.spec
        return spec.contact or ((f"mailto:{spec.email}",) if spec.email else ())


def refuse_settings(directory: Directory, means: Means, *, has_binding: bool) -> None:
    """Raise where the issuer's settings cannot work with this server."""
    spec = means.spec
    if directory.terms_of_service and not spec.terms_of_service_agreed:
        raise IssuerError(
            f"{means.server} has terms of service: read {directory.terms_of_service} and, if you agree, set"
            " acme.termsOfServiceAgreed to true.",
            reason=Reason.INVALID_CONFIGURATION,
        )
    if directory.external_account_required and not has_binding:
        raise IssuerError(
            f"{means.server} registers accounts of its customers only: set acme.externalAccountBinding to the key that"
            " it gave you.",
            reason=Reason.INVALID_CONFIGURATION,
        )
    complaint = unknown_profile(directory, means.server, spec.profile)
    if complaint:
        raise IssuerError(complaint, reason=Reason.INVALID_CONFIGURATION)


def unknown_profile(directory: Directory, server: str, profile: str | None) -> str:
    """What is wrong with a profile; empty if nothing is. Some servers ignore a profile that they do not know."""
    if profile is None or profile in directory.profiles:
        return ""
    known = ", ".join(sorted(directory.profiles)) or "none"
    return (
        f"{server} does not offer the profile {profile}: set acme.profile to one that it does ({known}), or remove it."
    )


def capabilities(directory: Directory) -> tuple[str, ...]:
    """What the server can do beyond the necessary, in words of its directory."""
    named = {
        "renewalInfo": directory.renewal_info,
        "keyChange": directory.key_change,
        "newAuthz": directory.new_authz,
        "externalAccountRequired": directory.external_account_required,
    }
    return (
        *(name for name, there in named.items() if there),
        *(f"profile:{name}" for name in sorted(directory.profiles)),
    )
