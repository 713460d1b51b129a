"""What a test tells the CMP server to do."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from e2e.peers.hierarchy import Rollover


class Answers(StrEnum):
    """How answers to requests with a MAC are protected: alike, or by the server's signature."""

    SAME = "SAME"
    SIGNED = "SIGNED"


class Errors(StrEnum):
    """How refusals are protected. ``SIGNED`` holds for error messages only."""

    SAME = "SAME"
    SIGNED = "SIGNED"
    UNPROTECTED = "UNPROTECTED"


@dataclass(frozen=True, slots=True)
class Failure:
    """A refusal; ``fail_info`` as RFC 9810 names it. ``as_error``: an error message instead of an ip, cp or kup."""

    fail_info: str = "badCertTemplate"
    text: str = "refused"
    as_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the server does; ``CMPServer.change`` takes the same names while it runs.

    ``more_secrets``: by reference, beside ``reference`` and ``secret``.
    ``one_time_secrets``: a reference that got a certificate is good for the rest of that transaction only.
    ``macs``: protection by another MAC is refused.
    ``polls``: how many pollReqs are told to wait before the answer comes; 0 answers at once, also to who waits already.
    ``check_after``: seconds.
    ``central_keys``: whether it makes keys for those who send none.
    ``ca_pubs``: whether a grant brings the root along.
    ``failures``: by common name or DNS name of the request.
    ``answer_delay``: how long an answer is held back after what it says was done.
    ``request_template``: DER of CertReqTemplateContent; empty for none.
    ``rollover``: what a client learns who asks for the root that follows.
    """

    reference: str = "device-1"
    secret: str = field(default="correct horse battery staple", repr=False)
    more_secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    one_time_secrets: bool = False
    macs: Sequence[str] = ("PBM", "PBMAC1")
    answers: Answers = Answers.SAME
    errors: Errors = Errors.SAME
    implicit_confirm: bool = True
    polls: int = 0
    check_after: int = 1
    central_keys: bool = True
    ca_pubs: bool = True
    validity: timedelta = timedelta(days=90)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    refuse_key_updates: bool = False
    answer_delay: timedelta = timedelta(0)
    request_template: bytes | None = None
    rollover: Rollover | None = None

    def as_json(self) -> str:
        template = self.request_template
        return json.dumps(
            {
                "secrets": {self.reference: self.secret, **self.more_secrets},
                "one_time_secrets": self.one_time_secrets,
                "macs": list(self.macs),
                "answers": self.answers,
                "errors": self.errors,
                "implicit_confirm": self.implicit_confirm,
                "polls": self.polls,
                "check_after": self.check_after,
                "central_keys": self.central_keys,
                "ca_pubs": self.ca_pubs,
                "validity_seconds": int(self.validity.total_seconds()),
                "failures": {name: asdict(failure) for name, failure in self.failures.items()},
                "refuse_key_updates": self.refuse_key_updates,
                "answer_delay_milliseconds": int(self.answer_delay.total_seconds() * 1000),
                "request_template": None if template is None else base64.b64encode(template).decode(),
                "rollover": None if self.rollover is None else _rollover(self.rollover),
            },
        )


def _rollover(rollover: Rollover) -> dict[str, Any]:
    return {
        "new_with_new": rollover.new.root.pem,
        "new_with_old": rollover.new_with_old,
        "old_with_new": rollover.old_with_new,
    }
