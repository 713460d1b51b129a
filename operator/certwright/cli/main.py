"""The entry point ``certwright``: puts the verbs together."""

import typer

from certwright import __version__
from certwright.cli.manifests import manifests
from certwright.cli.run import run

app = typer.Typer(
    name="certwright",
    help="Certificates for Kubernetes over ACME, EST, CMP and SCEP, with keys of the operator's own making.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a bad flag is one line in a pod's log, not a box of eighty columns
)
app.command()(run)
app.command()(manifests)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


if __name__ == "__main__":
    app()
