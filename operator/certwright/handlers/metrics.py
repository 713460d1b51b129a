"""What Prometheus reads: counters where things happen, everything else computed from the inventory at each scrape.

Labels are bounded by the number of Certificates and closed sets; timestamps are exported, never "seconds left".
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from certwright.handlers.inventory import CertificateRecord, Inventory
from certwright.model.errors import EnrolmentError
from certwright.model.fallbacks import asked
from certwright.model.metadata import Key, Kind
from certwright.model.observed import Certificate
from certwright.model.resources import CertificateStatus, IssuerStatus
from certwright.model.staged import Staged
from certwright.reconcile.conditions import is_true

CERTIFICATE_LABELS = ("namespace", "name", "issuer_kind", "issuer_name", "protocol")
ISSUER_LABELS = ("namespace", "issuer_kind", "issuer_name", "protocol")
DURATIONS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 3600, 86400)

LOOP_DELAYS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


class Metrics:
    """The counters."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self._issuances = Counter(
            "certwright_issuance_total",
            "Attempts to issue, by how they ended.",
            ("issuer_kind", "issuer_name", "protocol", "result", "reason"),
            registry=registry,
        )
        self._durations = Histogram(
            "certwright_issuance_duration_seconds",
            "From staging to the Secret.",
            ("issuer_kind", "issuer_name", "protocol"),
            buckets=DURATIONS,
            registry=registry,
        )

        self._loop_delay = Histogram(
            "certwright_loop_delay_seconds",
            "By how much the event loop was late, sampled ten times a second.",
            buckets=LOOP_DELAYS,
            registry=registry,
        )

    def loop_was_late(self, seconds: float) -> None:
        """One sample."""
        self._loop_delay.observe(seconds)

    def issued(self, status: CertificateStatus, staged: Staged, took: timedelta) -> None:
        """A certificate was delivered."""
        kind, name = (status.issuer_ref.kind, status.issuer_ref.name) if status.issuer_ref else ("", "")
        protocol = staged.destination.protocol
        self._issuances.labels(kind, name, protocol, "success", str(staged.reason)).inc()
        self._durations.labels(kind, name, protocol).observe(took.total_seconds())

    def failed(self, certificate: Certificate, error: EnrolmentError, *, protocol: str) -> None:
        """An attempt failed."""
        ref = asked(certificate)
        kind, name = (str(ref.kind), ref.name) if ref else ("", "")
        self._issuances.labels(kind, name, protocol, "failure", str(error.reason)).inc()


class InventoryCollector(Collector):
    """Computes the gauges from what is known, so that a deleted Certificate leaves no series behind."""

    def __init__(self, inventory: Inventory, *, gauges: Iterable[tuple[str, str, Callable[[], float]]] = ()) -> None:
        self._inventory = inventory
        self._gauges = tuple(gauges)

    def collect(self) -> Iterable[Metric]:
        """All gauges of this moment."""
        yield from self._certificates()
        yield from self._issuers()
        for name, text, value in self._gauges:
            family = GaugeMetricFamily(name, text)
            family.add_metric((), value())
            yield family

    def _certificates(self) -> Iterable[Metric]:
        ready = GaugeMetricFamily(
            "certwright_certificate_ready_status",
            "Whether the Certificate is Ready; 1 for the condition that holds.",
            labels=(*CERTIFICATE_LABELS, "condition"),
        )
        instants = {
            "not_before": _instants("not_before", "Begin of the validity, in Unix time."),
            "not_after": _instants("not_after", "End of the validity, in Unix time."),
            "due": _instants("renewal", "Next renewal, in Unix time."),
        }
        for key, record in list(self._inventory.certificates.items()):  # scraped in a thread of its own
            labels = _labels(key, record)
            for condition, holds in (("True", record.is_ready), ("False", not record.is_ready)):
                ready.add_metric((*labels, condition), float(holds))
            for name, family in instants.items():
                when: datetime | None = getattr(record, name)
                if when is not None:
                    family.add_metric(labels, when.timestamp())
        yield ready
        yield from instants.values()

    def _issuers(self) -> Iterable[Metric]:
        ready = GaugeMetricFamily("certwright_issuer_ready", "Whether the issuer is Ready.", labels=ISSUER_LABELS)
        ca = _ends("ca", "First end of a certificate of the CA, in Unix time.")
        credential = _ends("credential", "First end of what the issuer authenticates with, in Unix time.")
        for key, body in list(self._inventory.issuers.items()):
            status = IssuerStatus.from_api(body.get("status"))
            labels = (key.namespace, key.kind, key.name, status.protocol or "")
            ready.add_metric(labels, float(is_true(status.conditions, "Ready")))
            for family, seen in ((ca, status.ca_certificates), (credential, status.credentials)):
                if seen:
                    family.add_metric(labels, min(one.not_after for one in seen).timestamp())
        yield from (ready, ca, credential)


def _ends(whose: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"certwright_issuer_{whose}_not_after_timestamp_seconds", text, labels=ISSUER_LABELS)


def _instants(name: str, text: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"certwright_certificate_{name}_timestamp_seconds", text, labels=CERTIFICATE_LABELS)


def _labels(key: Key, record: CertificateRecord) -> tuple[str, ...]:
    issuer = record.issuer or Key(Kind.ISSUER, "", "")
    return (key.namespace, key.name, issuer.kind, issuer.name, record.protocol)
