"""The reference page of ``certwright run``, made of the command itself; ``cli.manifests`` has it written.

It is rendered here and handed over, because ``manifests`` must not know the command line.
"""

from collections.abc import Iterator

import typer
from typer.core import TyperArgument, TyperOption

from certwright.cli.run import run
from certwright.manifests import GENERATED

HEAD = """
# Flags of `certwright run`

The chart sets each of them by a value of its own (helm/certwright/values.yaml), but for `--kubeconfig` and
`--context`, which are for a process outside of a cluster. A flag goes before its environment variable; variables that
hold several namespaces separate them by spaces.

| flag | environment variable | default | meaning |
|---|---|---|---|
"""


def flags_page() -> str:
    """One row for each flag, in the order of ``certwright run --help``."""
    return GENERATED + HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    app = typer.Typer(add_completion=False)
    app.command()(run)
    for flag in typer.main.get_command(app).params:
        if isinstance(flag, TyperOption):
            names = ", ".join(f"`{name}`" for name in (*flag.opts, *flag.secondary_opts))
            yield f"| {names} | `{flag.envvar}` | {_default(flag)} | {flag.help}{_range(flag)} |"


def _default(flag: TyperOption | TyperArgument) -> str:
    """Empty where the meaning says it, because the default depends on the surroundings."""
    if isinstance(flag.default, bool):
        return f"`{flag.opts[0] if flag.default else flag.secondary_opts[0]}`"
    return f"`{flag.default}`" if flag.default not in {None, ""} else "-"


def _range(flag: TyperOption) -> str:
    if flag.min is None:
        return ""
    return f" From {flag.min} to {flag.max}." if flag.max is not None else f" At least {flag.min}."
