"""What a DNS provider must be able to do: two methods. Implementations are this package's modules, one each."""

from typing import Protocol

import dns.name


class Provider(Protocol):
    """Holds TXT records, several values side by side at one name (apex and wildcard share theirs).

    Both methods may be repeated, and leave every other value at the name alone. Failures are
    `certwright.model.errors.EnrolmentError`s that name the provider.
    """

    async def add(self, name: dns.name.Name, value: str) -> None:
        """Add one TXT value at the absolute ``name``; returns when the provider has accepted it."""
        ...

    async def remove(self, name: dns.name.Name, value: str) -> None:
        """Take exactly this value away; what is not there is not an error."""
        ...
