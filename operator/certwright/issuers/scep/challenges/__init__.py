"""Where an issuer's challenge passwords come from: fetched one by one from an NDES page or a webhook.

The driver asks a `ChallengeSource` when it prepares an enrolment. A challenge that stands in a Secret needs no source.
"""

from certwright.issuers.scep.challenges.ndes import NDESSource
from certwright.issuers.scep.challenges.outstanding import Outstanding
from certwright.issuers.scep.challenges.source import ChallengeSource, FetchedChallenge, Purpose
from certwright.issuers.scep.challenges.webhook import WebhookSource

__all__ = ["ChallengeSource", "FetchedChallenge", "NDESSource", "Outstanding", "Purpose", "WebhookSource"]
