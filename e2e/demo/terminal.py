"""What a user would type, and what comes back: each command stands on the screen before its result.

``story`` and ``tour`` are told through it.
"""

import base64
import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from e2e.demo import chain
from e2e.demo.cluster import Cluster
from e2e.demo.examples import Manifest
from e2e.demo.screen import Screen
from e2e.demo.watching import Watch, is_ready


@dataclass(frozen=True, slots=True)
class Terminal:
    """Of somebody who works on the cluster of the demo."""

    screen: Screen
    cluster: Cluster
    watch: Watch

    def say(self, text: str) -> None:
        """What has just happened, if anything."""
        if text:
            self.screen.happened(text)

    def type(self, arguments: str) -> None:
        """Only show the command; what it does is told by other means."""
        self.screen.command(f"kubectl{self.cluster.options} {arguments}")

    def answer(self, *arguments: str, stdin: str | None = None) -> str:
        """What the command answers, without showing either."""
        with self.screen.doing("waiting for an answer of the API server"):
            return self.cluster.kubectl(*arguments, stdin=stdin)

    def run(self, arguments: str) -> None:
        """The command and what it answers."""
        self.type(arguments)
        self.screen.output(self.answer(*shlex.split(arguments)))

    def apply(self, manifests: Sequence[Manifest], *files: str) -> None:
        """What the examples of these names hold when they are filled in."""
        self.type(f"apply {' '.join(f'-f examples/{file}' for file in files)}")
        items = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.screen.output(self.answer("apply", "--filename=-", stdin=json.dumps(items)))

    def await_ready(self, resource: str, what: str) -> None:
        self.type(f"wait --for=condition=Ready {resource}")
        self.watch.until(resource, is_ready, f"waiting until {what} is ready")

    def await_all_ready(self, kind: str, names: Sequence[str], what: str) -> None:
        """Of all objects of a kind that there are."""
        self.type(f"wait --for=condition=Ready {kind} --all")
        self.watch.until_all(kind, names, is_ready, f"waiting until {what} are ready")

    def pair(self, secret: str) -> chain.Pair:
        """What stands in a TLS Secret."""
        data = json.loads(self.answer("get", "secret", secret, "--output=json"))["data"]
        return chain.read(base64.b64decode(data["tls.crt"]), base64.b64decode(data["tls.key"]))
