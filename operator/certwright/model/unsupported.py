"""What the API has and this version cannot do yet: said on the Certificate instead of being silently left out.

A field that is ignored would leave ``Ready=True`` beside something that was never done. Whoever builds one of these
removes its line.
"""

from certwright.model.resources import Adoption, CertificateSpec, IssuerSpec


def unsupported_fields(spec: CertificateSpec) -> list[str]:
    """The paths in use that nothing implements, for the message."""
    present = {
        "spec.issuerRefs with more than one issuer": len(spec.issuer_refs) > 1,
        "spec.keystores": spec.keystores is not None,
        "spec.renewal.windows": spec.renewal is not None and bool(spec.renewal.windows),
        "spec.adoption": spec.adoption not in {None, Adoption.REFUSE},
        "spec.rollout": spec.rollout is not None,
    }
    return [path for path, is_used in present.items() if is_used]


def unsupported_issuer_fields(spec: IssuerSpec) -> list[str]:
    """As `unsupported_fields`, of an Issuer."""
    limits = spec.limits
    return ["spec.limits.perDay"] if limits is not None and limits.per_day is not None else []
