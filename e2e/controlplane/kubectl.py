"""kubectl for tests: what a user would type, against one kubeconfig."""

import os
import subprocess
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

_LONGEST_CALL = timedelta(minutes=2)


class KubectlError(RuntimeError):
    """kubectl ended with an error; the message is what it printed, which tests of validation messages look at."""


@dataclass(frozen=True, slots=True)
class Kubectl:
    program: Path
    kubeconfig: Path
    cache: Path

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """Answer standard output; its discovery cache is ours, so that parallel control planes do not mix."""
        done = subprocess.run(
            [self.program, *arguments],
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig), "KUBECACHEDIR": str(self.cache)},
            capture_output=True,
            text=True,
            timeout=_LONGEST_CALL.total_seconds(),
            check=False,
        )
        if done.returncode != 0:
            raise KubectlError(done.stderr.strip())
        return done.stdout
