"""Kubeconfig files with everything inline, so that they can be copied and read alone."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from e2e.authority import KeyPair


def certificate_user(pair: KeyPair) -> Mapping[str, str]:
    return {
        "client-certificate-data": _base64(pair.certificate),
        "client-key-data": _base64(pair.private_key),
    }


def token_user(token: str) -> Mapping[str, str]:
    return {"token": token}


def write(path: Path, *, url: str, ca_pem: str, user: Mapping[str, str], name: str) -> Path:
    """JSON is YAML, and needs no quoting rules."""
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "certwright-e2e", "cluster": {"server": url, "certificate-authority-data": _base64(ca_pem)}},
        ],
        "users": [{"name": name, "user": dict(user)}],
        "contexts": [{"name": "certwright-e2e", "context": {"cluster": "certwright-e2e", "user": name}}],
        "current-context": "certwright-e2e",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(content, indent=2))
    return path


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
