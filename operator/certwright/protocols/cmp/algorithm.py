"""AlgorithmIdentifier as a value: an OID and whatever parameters belong to it, for any algorithm."""

from dataclasses import dataclass
from typing import Any

from certwright.protocols.cmp import asn1
from certwright.protocols.cmp.der import load

NULL = b"\x05\x00"


@dataclass(frozen=True, slots=True)
class Algorithm:
    """``parameters`` is their DER, None where they are absent."""

    oid: str
    parameters: bytes | None = None

    def asn1(self) -> Any:
        """The AlgorithmIdentifier."""
        fields: dict[str, Any] = {"algorithm": self.oid}
        if self.parameters is not None:
            fields["parameters"] = load(asn1.Anything, self.parameters)
        return asn1.AlgorithmIdentifier(fields)


def parse_algorithm(value: Any) -> Algorithm:
    """An AlgorithmIdentifier of asn1crypto as a value; raises what asn1crypto raises."""
    parameters = value["parameters"]
    return Algorithm(value["algorithm"].dotted, parameters.dump() or None)
