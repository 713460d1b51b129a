"""What the demo tells of all protocols at once: the same Certificate over each, a renewal over each, and a move."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from e2e.demo import chain, table
from e2e.demo.authority import Authority, UnexpectedError
from e2e.demo.examples import filled, read
from e2e.demo.terminal import Terminal
from e2e.demo.watching import Object, is_ready
from e2e.processes import wait_until

_FILE = "four-certificates.yaml"
_FROM, _TO = "scep", "est"
Pairs = Mapping[str, chain.Pair]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tour:
    """Told once, on a fresh installation; ``authorities`` are those that can run here, by protocol."""

    terminal: Terminal
    authorities: Mapping[str, Authority]
    clock: Callable[[], datetime]

    def tell(self) -> None:
        """Raises on whatever does not go as it should."""
        self._issuers()
        self._certificates()
        pairs = self._renewals(self._secrets())
        needed = dict.fromkeys(self.authorities, 2)
        if {_FROM, _TO} <= needed.keys():
            self._move(pairs[_FROM])
            needed[_TO] += 1
        self._count(needed)

    def _issuers(self) -> None:
        self.terminal.screen.heading("1. An Issuer for each protocol: whom to ask, and what lets us in there")
        every = self.authorities.values()
        documents = [document for each in every for document in filled(each.files.issuer, each.fill)]
        self.terminal.apply(documents, *(each.files.issuer for each in every))
        self.terminal.await_all_ready("cwi", [each.issuer for each in every], "the Issuers")
        self.terminal.run("get cwi")

    def _certificates(self) -> None:
        self.terminal.screen.heading(
            "2. The same Certificate over each: only its name, secretName and issuerRef differ"
        )
        self.terminal.apply([each for each in read(_FILE) if each["metadata"]["name"] in self._names], _FILE)
        self.terminal.await_all_ready("cwc", self._names, "the Certificates")
        self._show_table()

    def _secrets(self) -> Pairs:
        self.terminal.screen.heading("3. What the Secrets hold: a key that was made here, and a chain up to a root")
        self.terminal.type("get secrets --field-selector=type=kubernetes.io/tls -o yaml  # in words:")
        return {protocol: self._verified(protocol, each) for protocol, each in self.authorities.items()}

    def _renewals(self, before: Pairs) -> Pairs:
        self.terminal.screen.heading("4. A renewal over each, although none is due")
        self.terminal.run("annotate cwc --all certwright.io/renew=1")
        self._await_revision(2, self._names, "renewed")
        after = {protocol: self.terminal.pair(_secret_of(protocol)) for protocol in before}
        for protocol, pair in after.items():
            _compare(_secret_of(protocol), before[protocol], pair)
        self.terminal.say("each Secret has another certificate, and another key")
        self._show_table()
        return after

    def _move(self, before: chain.Pair) -> None:
        self.terminal.screen.heading(f"5. A move from {_FROM.upper()} to {_TO.upper()}: another issuerRef is all")
        patch = json.dumps({"spec": {"issuerRef": {"name": self.authorities[_TO].issuer}}}, separators=(",", ":"))
        self.terminal.run(f"patch cwc {_name_of(_FROM)} --type=merge --patch='{patch}'")
        self._await_revision(3, [_name_of(_FROM)], "issued by the other authority")
        self.terminal.type(f"events --for=certificate/{_name_of(_FROM)}  # the last one:")
        self.terminal.say(wait_until(self._told_of_the_move, "an Event about the move"))
        self.terminal.type(f"get secret {_secret_of(_FROM)} -o yaml  # in words:")
        _compare(_secret_of(_FROM), before, self._verified(_FROM, self.authorities[_TO]))
        self._show_table()

    def _count(self, needed: Mapping[str, int]) -> None:
        """One more would mean that something was asked for twice."""
        issued = {protocol: len(each.issued_serials()) for protocol, each in self.authorities.items()}
        if issued != needed:
            raise UnexpectedError(f"the authorities issued {issued} certificates where {needed} were needed")
        counted = ", ".join(f"{count} over {protocol.upper()}" for protocol, count in issued.items())
        self.terminal.say(f"the authorities have issued what was needed and no more: {counted}")

    @property
    def _names(self) -> Sequence[str]:
        return [_name_of(protocol) for protocol in self.authorities]

    def _show_table(self) -> None:
        self.terminal.type("get cwc -o wide  # in short:")
        found = json.loads(self.terminal.answer("get", "cwc", "--output=json"))["items"]
        order = self._names
        found.sort(key=lambda certificate: order.index(certificate["metadata"]["name"]))
        self.terminal.screen.output(table.of(found))

    def _await_revision(self, revision: int, names: Sequence[str], done: str) -> None:
        started = self.terminal.screen.elapsed

        def is_there(found: Object) -> bool:
            return bool(found["status"]["revision"] >= revision and is_ready(found))

        self.terminal.watch.until_all("cwc", names, is_there, f"waiting until it is {done}")
        self.terminal.screen.happened(f"{done} after {self.terminal.screen.elapsed - started:.1f} s", "green")

    def _verified(self, protocol: str, authority: Authority) -> chain.Pair:
        """The pair of that Certificate, with a line about it."""
        (names,) = (each["spec"]["dnsNames"] for each in read(_FILE) if each["metadata"]["name"] == _name_of(protocol))
        pair = self.terminal.pair(_secret_of(protocol))
        chain.verify(pair, authority.root, names=names, now=self.clock())
        self.terminal.screen.output(f"{_secret_of(protocol):<15}{chain.in_short(pair, authority.root)}")
        return pair

    def _told_of_the_move(self) -> str:
        selector = f"--field-selector=involvedObject.name={_name_of(_FROM)}"
        events = json.loads(self.terminal.answer("get", "events", selector, "--output=json"))["items"]
        told = [f"{event['reason']}: {event['message']}" for event in events]
        return next((text for text in told if "IncorrectIssuer" in text), "")


def _name_of(protocol: str) -> str:
    """What the Certificate of a protocol is called in the file."""
    return f"shop-{protocol}"


def _secret_of(protocol: str) -> str:
    return f"shop-{protocol}-tls"


def _compare(secret: str, before: chain.Pair, after: chain.Pair) -> None:
    if before.serial == after.serial or before.key_fingerprint == after.key_fingerprint:
        raise UnexpectedError(f"Secret {secret} holds the old certificate or the old key")
