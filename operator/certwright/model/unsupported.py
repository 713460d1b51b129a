"""What the API has and this version cannot do yet: said on the Certificate instead of being silently left out.

A field that is ignored would leave ``Ready=True`` beside something that was never done. Whoever builds one of these
removes its line.
"""

from certwright.model.resources import CertificateSpec


def unsupported_fields(spec: CertificateSpec) -> list[str]:
    """The paths in use that nothing implements, for the message."""
    present = {
        "spec.rollout": spec.rollout is not None,
    }
    return [path for path, is_used in present.items() if is_used]
