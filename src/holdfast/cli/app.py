"""Every command, gathered."""

from typing import Annotated

import typer

from holdfast.cli.agents import agents
from holdfast.cli.attempts import attempts
from holdfast.cli.audit import audit
from holdfast.cli.catalogue import explain
from holdfast.cli.check_agent import check_agent
from holdfast.cli.doctor import doctor
from holdfast.cli.enrolment import enrolment
from holdfast.cli.findings import findings
from holdfast.cli.lab import lab
from holdfast.cli.processes import agent, api, gateway, up
from holdfast.cli.settings import config
from holdfast.cli.swarm import swarm
from holdfast.cli.tokens import tokens

app = typer.Typer(
    name="holdfast",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Control plane for fleets of host agents that tells you why one is not connected.",
    epilog="\b\nExamples:\n  holdfast up --with-agent\n  holdfast agents list --status offline\n"
    "  holdfast explain SIG-ORDER",
)


def _version(asked: bool) -> None:
    if asked:
        version()
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Options before any command."""


def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    from holdfast.cli.screen import say

    say(f"holdfast {installed('holdfast')}")


app.command()(up)
app.command()(gateway)
app.command()(api)
app.add_typer(agent, name="agent")
app.add_typer(agents, name="agents")
app.add_typer(attempts, name="attempts")
app.add_typer(findings, name="findings")
app.add_typer(tokens, name="tokens")
app.add_typer(enrolment, name="enrolment")
app.add_typer(audit, name="audit")
app.add_typer(config, name="config")
app.command("check-agent", context_settings={"ignore_unknown_options": True})(check_agent)
app.add_typer(doctor, name="doctor")
app.command()(explain)
app.command()(lab)
app.command()(swarm)
app.command()(version)
