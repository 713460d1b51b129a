"""Where objects are found on the API server."""

from certwright.model.metadata import API_VERSION, Kind

PLURALS = {Kind.CERTIFICATE: "certificates", Kind.ISSUER: "issuers", Kind.CLUSTER_ISSUER: "clusterissuers"}


def path_of(kind: str, namespace: str, name: str = "") -> str:
    """The path of an object of one of our kinds, or of their list in a namespace."""
    where = f"/namespaces/{namespace}" if namespace else ""
    return f"/apis/{API_VERSION}{where}/{PLURALS[kind]}" + (f"/{name}" if name else "")


def core_path(plural: str, namespace: str, name: str = "") -> str:
    """The path of a namespaced object of the core group."""
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")
