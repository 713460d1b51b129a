"""Certificates as ``kubectl get cwc -o wide`` shows them, narrow enough to stay in one line each."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from e2e.demo.watching import Object, condition

_HEAD = ("NAME", "READY", "PROTOCOL", "ISSUER", "SECRET", "SERIAL", "EXPIRES", "RENEWAL")
_SERIAL_DIGITS = 12
_GAP = "  "


def of(certificates: Iterable[Object]) -> str:
    """One line for each, below a head."""
    rows = [_HEAD, *(_row(one) for one in certificates)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return "\n".join(_line(row, widths) for row in rows)


def _row(certificate: Object) -> Sequence[str]:
    spec, status = certificate["spec"], certificate.get("status", {})
    return (
        certificate["metadata"]["name"],
        condition(certificate).get("status", ""),
        status.get("protocol", ""),
        status.get("issuerRef", {}).get("name", ""),
        spec["secretName"],
        _shortened(status.get("serialNumber", "")),
        _minute(status.get("notAfter")),
        _minute(status.get("renewalTime")),
    )


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()


def _shortened(serial: str) -> str:
    return serial if len(serial) <= _SERIAL_DIGITS else f"{serial[:_SERIAL_DIGITS]}..."


def _minute(instant: str | None) -> str:
    return f"{datetime.fromisoformat(instant):%Y-%m-%d %H:%M}" if instant else ""
