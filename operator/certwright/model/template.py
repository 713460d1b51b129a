"""What no Secret's metadata may hold, said before a CA is asked: the CRD lets it pass, and the API server refuses it.

`reconcile` asks here. Found out only when the certificate is delivered, each attempt would cost one at the CA.
"""

import re
from collections.abc import Iterator, Mapping
from itertools import chain

from certwright.model.metadata import ANNOTATION_ALT_NAMES
from certwright.model.resources import CertificateSpec
from certwright.model.tls_secret import LONGEST_NAME_LIST

ANNOTATIONS_LIMIT = 262_144
"""Bytes of all keys and values together, those of others included."""

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LONGEST_PREFIX = 253
_SHOWN = 63


def template_fault(spec: CertificateSpec) -> str | None:
    """Why ``spec.secretTemplate`` cannot be written, as a sentence without its end; None: it can, as far as we know."""
    template = spec.secret_template
    if template is None:
        return None
    return next(chain(_faults(template.labels, template.annotations), _oversize(spec, template.annotations)), None)


def _faults(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Iterator[str]:
    for field, keys in (("labels", labels), ("annotations", {key.lower(): "" for key in annotations})):
        for key in keys:
            if not _is_key(key):
                yield (
                    f"spec.secretTemplate.{field} has the key {key[:_SHOWN]!r}, which no Secret can have: use letters,"
                    " digits, '-', '_' and '.', after a DNS name and '/' where there is a prefix"
                )
    for key, value in labels.items():
        if value and not _NAME.fullmatch(value):
            yield (
                f"spec.secretTemplate.labels has the value {value!r} for {key[:_SHOWN]}, which no label can have: use"
                " letters, digits, '-', '_' and '.', or write it into annotations"
            )


def _is_key(key: str) -> bool:
    prefix, separator, name = key.rpartition("/")
    is_prefixed = not separator or (len(prefix) <= _LONGEST_PREFIX and _PREFIX.fullmatch(prefix) is not None)
    return is_prefixed and _NAME.fullmatch(name) is not None


def _oversize(spec: CertificateSpec, annotations: Mapping[str, str]) -> Iterator[str]:
    """At least so much: what the CA adds, and what others have written there, comes on top."""
    ours = {ANNOTATION_ALT_NAMES: ",".join(spec.dns_names)[:LONGEST_NAME_LIST]}
    size = sum(len(key.encode()) + len(value.encode()) for key, value in (*annotations.items(), *ours.items()))
    if size > ANNOTATIONS_LIMIT:
        yield (
            f"the annotations of the Secret would have {size:,} bytes, and no object can have more than"
            f" {ANNOTATIONS_LIMIT:,}: shorten spec.secretTemplate.annotations"
        )
