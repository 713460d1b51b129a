"""A small ACME server in memory, written from RFC 8555, behind ``httpx.MockTransport``.

It verifies what a strict server verifies (signatures, nonces, ``url``, ``kid`` or ``jwk``, the CSR against the order)
and issues real certificates. Its public attributes are the knobs that tests turn.
"""

import json
import secrets
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

import httpx
from cryptography import x509

from tests.fakes import jws
from tests.fakes.ca import FakeCA

ORIGIN = "https://acme.test"
URN = "urn:ietf:params:acme:error:"
JSON = dict[str, Any]
Maker = Callable[[], httpx.Response]


class RefusalError(Exception):
    def __init__(self, kind: str, detail: str, *, status: int = 400, **more: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.body = {"type": URN + kind, "detail": detail, "status": status, **more}


@dataclass(slots=True)
class FakeAuthorization:
    identifier: JSON
    wildcard: bool
    status: str = "pending"
    error: JSON | None = None
    token: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    polls: int | None = None


@dataclass(slots=True)
class FakeOrder:
    account: str
    identifiers: list[JSON]
    authorizations: list[str]
    profile: str | None = None
    status: str = "pending"
    error: JSON | None = None
    certificate: x509.Certificate | None = None
    polls: int = 0


class FakeACMEServer:
    """Point a client at ``directory_url`` over ``transport()``.

    ``reject_nonces``: so many of the next POSTs are answered badNonce. ``next_answers[resource]``: answers given once
    each instead of the real one, by the first word of the path (``order``, ``orders``, ``authz``, ``chall``, …).
    ``validation_polls`` and ``issuance_polls``: how often things are still pending or processing. ``failing``: name →
    problem that its validation ends in. ``rejected``: names refused in newOrder. ``seen``: (resource, payload) of every
    accepted POST.
    """

    directory_url = f"{ORIGIN}/dir"

    def __init__(self, *, clock: Callable[[], datetime], roots: tuple[str, ...] = ("Fake Root",)) -> None:
        self.origin = ORIGIN
        self.ca = FakeCA(clock=clock, roots=roots)
        self.meta: JSON = {"termsOfService": f"{self.origin}/terms"}
        self.binding_keys: dict[str, bytes] = {}
        self.reject_nonces = 0
        self.validation_polls = 0
        self.issuance_polls = 0
        self.retry_after: str | None = None
        self.failing: dict[str, JSON] = {}
        self.rejected: set[str] = set()
        self.next_answers: defaultdict[str, deque[Maker]] = defaultdict(deque)
        self.seen: list[tuple[str, Any]] = []
        self.requests: list[httpx.Request] = []
        self.nonces: set[str] = set()
        self.accounts: dict[str, JSON] = {}
        self.orders: dict[str, FakeOrder] = {}
        self.authorizations: dict[str, FakeAuthorization] = {}

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        resource, *rest = request.url.path.strip("/").split("/")
        try:
            answer = self._answer(request, resource, rest)
        except RefusalError as refusal:
            answer = httpx.Response(refusal.status, json=refusal.body)
            answer.headers["Content-Type"] = "application/problem+json"
        nonce = secrets.token_urlsafe(12)
        self.nonces.add(nonce)
        answer.headers.setdefault("Replay-Nonce", nonce)
        return answer

    def _answer(self, request: httpx.Request, resource: str, rest: list[str]) -> httpx.Response:
        if not request.headers.get("User-Agent"):
            raise RefusalError("malformed", "no User-Agent")
        if request.method != "POST":
            if self.next_answers[resource]:
                return self.next_answers[resource].popleft()()
            return httpx.Response(200, json=self._directory() if resource == "dir" else None)
        account, payload = self._verified(request, resource)
        if self.next_answers[resource]:
            return self.next_answers[resource].popleft()()
        self.seen.append((resource, payload))
        handler: Callable[..., httpx.Response] = getattr(self, f"_{resource}")
        return handler(account, payload, *rest)

    def _directory(self) -> JSON:
        resources = {"newNonce": "nonce", "newAccount": "register", "newOrder": "order"}
        return {name: f"{self.origin}/{path}" for name, path in resources.items()} | {"meta": self.meta, "x": "random"}

    def _verified(self, request: httpx.Request, resource: str) -> tuple[str, Any]:
        """The account and the payload of a request that a strict server accepts (RFC 8555 §6.2 to §6.5)."""
        message = jws.read(request.content)
        header = message.header
        if request.headers["Content-Type"] != "application/jose+json" or header["url"] != str(request.url):
            raise RefusalError("malformed", "wrong media type or url")
        if ("jwk" in header) == ("kid" in header) or ("jwk" in header) != (resource == "register"):
            raise RefusalError("malformed", "jwk for newAccount, kid for the rest")
        account = header.get("kid") or jws.thumbprint(header["jwk"])
        if "kid" in header and self.accounts.get(account, {}).get("status") != "valid":
            raise RefusalError("accountDoesNotExist", "no such account")
        if not jws.is_signed_by(message, header["jwk"] if "jwk" in header else self.accounts[account]["key"]):
            raise RefusalError("malformed", "bad signature")
        if self.reject_nonces or header["nonce"] not in self.nonces:
            self.reject_nonces = max(0, self.reject_nonces - 1)
            raise RefusalError("badNonce", "that nonce is not good")
        self.nonces.remove(header["nonce"])
        payload = json.loads(message.payload) if message.payload else None
        return (json.dumps(header["jwk"]) if "jwk" in header else account), payload

    def _register(self, key_text: str, payload: JSON) -> httpx.Response:
        key = json.loads(key_text)
        url = f"{self.origin}/acct/{jws.thumbprint(key)}"
        if url in self.accounts:
            return self._account_answer(url, status=200)
        if payload.get("onlyReturnExisting"):
            raise RefusalError("accountDoesNotExist", "no account has this key")
        if not payload.get("termsOfServiceAgreed"):
            raise RefusalError("userActionRequired", "agree to the terms", status=403, instance=f"{self.origin}/terms")
        if self.binding_keys:
            self._check_binding(payload.get("externalAccountBinding"), key)
        self.accounts[url] = {"key": key, "status": "valid", "contact": payload.get("contact", [])}
        return self._account_answer(url, status=201)

    def _check_binding(self, binding: Any, key: JSON) -> None:
        if binding is None:
            raise RefusalError("externalAccountRequired", "a binding is needed")
        inner = jws.read(binding)
        mac_key = self.binding_keys.pop(inner.header["kid"], b"")
        complete = set(inner.header) == {"alg", "kid", "url"} and inner.header["url"] == f"{self.origin}/register"
        if not (complete and jws.is_authenticated_by(inner, mac_key) and json.loads(inner.payload) == key):
            raise RefusalError("unauthorized", "the binding is not good", status=403)

    def _account_answer(self, url: str, *, status: int) -> httpx.Response:
        shown = {name: value for name, value in self.accounts[url].items() if name != "key"}
        return httpx.Response(status, json=shown, headers={"Location": url})

    def _acct(self, account: str, payload: JSON, *_path: str) -> httpx.Response:
        self.accounts[account].update(payload or {})
        return self._account_answer(account, status=200)

    def _order(self, account: str, payload: JSON) -> httpx.Response:
        names = [entry["value"] for entry in payload["identifiers"]]
        refused = [
            {"type": f"{URN}rejectedIdentifier", "detail": "never", "identifier": {"type": "dns", "value": name}}
            for name in names
            if name in self.rejected
        ]
        if refused:
            raise RefusalError("rejectedIdentifier", "some names are refused", status=403, subproblems=refused)
        if payload.get("profile") not in {None, *self.meta.get("profiles", {})}:
            raise RefusalError("invalidProfile", "no such profile")
        authorizations = [self._new_authorization(entry) for entry in reversed(payload["identifiers"])]
        order = FakeOrder(account, payload["identifiers"][::-1], authorizations, payload.get("profile"))
        number = str(len(self.orders) + 1)
        self.orders[number] = order
        return self._order_answer(number, status=201, headers={"Location": f"{self.origin}/orders/{number}"})

    def _new_authorization(self, identifier: JSON) -> str:
        number = str(len(self.authorizations) + 1)
        name = identifier["value"]
        plain = {"type": identifier["type"], "value": name.removeprefix("*.")}
        self.authorizations[number] = FakeAuthorization(plain, wildcard=name.startswith("*."))
        return number

    def _orders(self, _account: str, _payload: None, number: str) -> httpx.Response:
        order = self.orders[number]
        if order.status == "processing":
            order.polls -= 1
            if order.polls < 0:
                order.status = "valid"
        return self._order_answer(number)

    def _order_answer(self, number: str, *, status: int = 200, headers: JSON | None = None) -> httpx.Response:
        order = self.orders[number]
        parts = [self.authorizations[entry] for entry in order.authorizations]
        if order.status == "pending" and any(part.status == "invalid" for part in parts):
            order.status = "invalid"
            failed = next(part for part in parts if part.status == "invalid")
            subproblem = {**(failed.error or {}), "identifier": failed.identifier}
            order.error = {"type": f"{URN}compound", "detail": "failed", "subproblems": [subproblem]}
        if order.status == "pending" and all(part.status == "valid" for part in parts):
            order.status = "ready"
        body: JSON = {
            "status": order.status,
            "identifiers": order.identifiers,
            "authorizations": [f"{self.origin}/authz/{entry}" for entry in order.authorizations],
            "finalize": f"{self.origin}/finalize/{number}",
        }
        body |= {"error": order.error} if order.error else {}
        body |= {"profile": order.profile} if order.profile else {}
        body |= {"certificate": f"{self.origin}/cert/{number}/0"} if order.status == "valid" else {}
        return self._polled(httpx.Response(status, json=body, headers=headers))

    def _polled(self, answer: httpx.Response) -> httpx.Response:
        if self.retry_after is not None:
            answer.headers["Retry-After"] = self.retry_after
        return answer

    def _authz(self, _account: str, payload: JSON | None, number: str) -> httpx.Response:
        entry = self.authorizations[number]
        if payload:
            entry.status = payload["status"]
        if entry.polls is not None and entry.status == "pending":
            entry.polls -= 1
            if entry.polls < 0:
                entry.error = self.failing.get(entry.identifier["value"])
                entry.status = "invalid" if entry.error else "valid"
        body = {"status": entry.status, "identifier": entry.identifier, "challenges": self._challenges(number)}
        return self._polled(httpx.Response(200, json=body | ({"wildcard": True} if entry.wildcard else {})))

    def _challenges(self, number: str) -> list[JSON]:
        entry = self.authorizations[number]
        kinds = ["dns-01"] if entry.wildcard else ["http-01", "dns-01", "mystery-07"]
        state = {"status": entry.status, "token": entry.token} | ({"error": entry.error} if entry.error else {})
        return [{"type": kind, "url": f"{self.origin}/chall/{number}/{kind}", **state} for kind in kinds]

    def _chall(self, _account: str, payload: JSON, number: str, kind: str) -> httpx.Response:
        if payload != {}:
            raise RefusalError("malformed", "a response is an empty object")
        self.authorizations[number].polls = self.validation_polls
        challenge = next(entry for entry in self._challenges(number) if entry["type"] == kind)
        return self._polled(httpx.Response(200, json={**challenge, "status": "processing"}))

    def _finalize(self, _account: str, payload: JSON, number: str) -> httpx.Response:
        order = self.orders[number]
        if order.status != "ready":
            raise RefusalError("orderNotReady", f"the order is {order.status}", status=403)
        csr = x509.load_der_x509_csr(jws.unpadded(payload["csr"]))
        names = csr.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        asked = {str(name.value) for name in names}
        if not csr.is_signature_valid or asked != {str(_plain(entry)) for entry in order.identifiers}:
            raise RefusalError("badCSR", "the names are not the order's")
        order.certificate = self.ca.issue(csr)
        order.status, order.polls = ("processing", self.issuance_polls) if self.issuance_polls else ("valid", 0)
        return self._order_answer(number)

    def _cert(self, _account: str, _payload: None, number: str, version: str) -> httpx.Response:
        certificate = self.orders[number].certificate
        if certificate is None:
            raise RefusalError("malformed", "not issued", status=404)
        others = (f'</cert/{number}/{other}>;rel="alternate"' for other in range(1, len(self.ca.roots)))
        links = [f'<{self.origin}/dir>;rel="index"', *others]
        headers = [("Content-Type", "application/pem-certificate-chain"), *(("Link", link) for link in links)]
        return httpx.Response(200, content=self.ca.chain(certificate, int(version)), headers=headers)


def _plain(identifier: JSON) -> str:
    value: str = identifier["value"]
    return ip_address(value).compressed if identifier["type"] == "ip" else value


def rate_limited(wait: timedelta = timedelta(seconds=30)) -> httpx.Response:
    body = {"type": f"{URN}rateLimited", "detail": "too many new orders", "status": 429}
    headers = {"Retry-After": f"{wait.total_seconds():.0f}", "Link": '</help/limits>;rel="help"'}
    answer = httpx.Response(429, json=body, headers=headers)
    answer.headers["Content-Type"] = "application/problem+json"
    return answer


def overloaded_html() -> httpx.Response:
    return httpx.Response(503, html="<h1>busy</h1>", headers={"Retry-After": "Wed, 01 Jan 2031 00:02:00 GMT"})
