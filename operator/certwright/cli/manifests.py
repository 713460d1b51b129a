"""``certwright manifests``: writes the generated files of this repository, or says which are out of date.

For people who change certwright, and for ``make manifests`` and ``make lint``.
"""

from pathlib import Path
from typing import Annotated

import typer

from certwright import manifests as generated
from certwright.cli.flags import flags_page


def manifests(
    *, check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a file is out of date.")] = False
) -> None:
    """Write CRDs, chart rules and reference pages from the models and rules in the code."""
    root = Path.cwd()
    if not (root / "pyproject.toml").is_file():
        typer.echo(f"{root} is not the root of a certwright checkout (no pyproject.toml): change directory", err=True)
        raise typer.Exit(2)
    pages = {generated.REFERENCE / "flags.md": flags_page()}
    touched = generated.check(root, pages) if check else generated.write(root, pages)
    for path in touched:
        typer.echo(f"{path}: out of date, {generated.REMEDY}" if check else f"{path}: written", err=check)
    if check and touched:
        raise typer.Exit(1)
