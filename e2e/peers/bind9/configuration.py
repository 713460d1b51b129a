"""named.conf and the zone files."""

from collections.abc import Sequence
from pathlib import Path

from e2e.peers.bind9.tsig import TSIGKey

# Recursion is on so that a CNAME from one of our zones into another is followed, and the root is ours and empty, so
# that no query ever leaves the machine. pebble asks over TCP, on a connection for each of an order's names: the usual
# queue of ten would let some of a hundred go unanswered on a busy machine.
_OPTIONS = """\
options {{
    directory "{directory}";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    pid-file none;
    session-keyfile none;
    recursion yes;
    allow-query {{ any; }};
    allow-transfer {{ key "{key.name}"; }};
    dnssec-validation no;
    empty-zones-enable no;
    notify no;
    max-cache-size 8m;
    tcp-listen-queue 256;
}};
controls {{ }};
key "{key.name}" {{ algorithm {key.algorithm}; secret "{key.secret}"; }};
zone "." {{ type primary; file "root.zone"; }};
"""

_ZONE = """\
zone "{zone}" {{ type primary; file "{zone}.zone"; allow-update {{ key "{key.name}"; }}; }};
"""

_ROOT_RECORDS = """\
$TTL 1
@ SOA localhost. nobody.localhost. 1 3600 600 86400 1
@ NS localhost.
localhost A 127.0.0.1
"""

# The name server has an address of its own in the zone: a client that looks for the authoritative servers finds it.
_ZONE_RECORDS = """\
$TTL 1
@ SOA ns1 hostmaster 1 3600 600 86400 1
@ NS ns1
@ A 127.0.0.1
* A 127.0.0.1
ns1 A 127.0.0.1
"""


def write(directory: Path, *, zones: Sequence[str], key: TSIGKey, port: int) -> Path:
    """Write everything into the directory and answer the path of named.conf."""
    (directory / "root.zone").write_text(_ROOT_RECORDS)
    for zone in zones:
        (directory / f"{zone}.zone").write_text(_ZONE_RECORDS)
    file = directory / "named.conf"
    file.touch(mode=0o600)
    text = _OPTIONS.format(directory=directory, port=port, key=key)
    file.write_text(text + "".join(_ZONE.format(zone=zone, key=key) for zone in zones))
    return file
