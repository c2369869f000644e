"""`holdfast findings …`: what is wrong, for whom, why, and what to do."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.options import DEFAULT_API, All, Api, AsJson, Cursor, Limit, TokenFile

if TYPE_CHECKING:
    from holdfast.cli.client import ApiClient

findings = typer.Typer(no_args_is_help=True, help="List, show and follow what is wrong.", rich_markup_mode=None)
Id = Annotated[str, typer.Argument(metavar="ID", help="Finding id, as in the list.")]


@findings.command("list")
def list_findings(
    *,
    only_open: Annotated[
        bool | None, typer.Option("--open/--resolved", help="Only open or only resolved ones.")
    ] = None,
    code: Annotated[str | None, typer.Option("--code", help="Exactly this fault.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="About this uid or host_id.")] = None,
    severity: Annotated[str | None, typer.Option("--severity", help="info, warning, error or critical.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    every: All = False,
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """List findings, the newest first; with --agent also since when nothing of it has come.

    \b
    Examples:
      holdfast findings list --open
      holdfast findings list --agent web-1
    """
    from holdfast.api.findings import FindingsBody
    from holdfast.cli import client, findings_screen, screen

    params = {
        "open": None if only_open is None else str(only_open).lower(), "code": code, "agent": agent,
        "severity": severity, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    with client.connect(api, token_file) as asked:
        pages = list(asked.pages("/findings", FindingsBody, params, every=every))
        away = [] if agent is None or as_json else _absence(asked, agent)
    found = [finding for page in pages for finding in page.findings]
    if as_json:
        screen.print_json(FindingsBody(findings=found, next_cursor=pages[-1].next_cursor))
        return
    findings_screen.print_findings(found)
    for line in away:
        screen.say(line)
    screen.hint(screen.page_end(len(found), pages[-1].next_cursor))


@findings.command()
def show(finding: Id, as_json: AsJson = False, api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """Show one finding with its evidence, and what was excluded.

    \b
    Example:
      holdfast findings show f-k3v2m7qh
    """
    from urllib.parse import quote

    from holdfast.cli import client, findings_screen, screen
    from holdfast.model.finding_documents import FindingDocument

    with client.connect(api, token_file) as asked:
        found = asked.get(f"/findings/{quote(finding, safe='')}", FindingDocument)
    if as_json:
        screen.print_json(found)
    else:
        findings_screen.print_finding(found)


@findings.command()
def replay(
    events: Annotated[Path, typer.Argument(metavar="EVENTS.jsonl", help="What `up --record-events` wrote.")],
    as_json: AsJson = False,
) -> None:
    """Run diagnosis over recorded events, without a gateway.

    \b
    Example:
      holdfast findings replay events.jsonl --json
    """
    from holdfast.cli import findings_screen, screen
    from holdfast.cli.failures import usage
    from holdfast.diagnosis.recording import findings_of, read_events
    from holdfast.diagnosis.recording import replay as replayed
    from holdfast.model.finding_documents import finding_document

    try:
        found = [finding_document(finding) for finding in findings_of(replayed(read_events(events)))]
    except OSError as error:
        raise usage(
            what=f"{events} cannot be read", why=error.strerror or str(error), fix="Name a file that can be read"
        ) from error
    if as_json:
        screen.print_json({"findings": found})
        return
    findings_screen.print_findings(found)
    screen.hint("1 finding" if len(found) == 1 else f"{len(found)} findings")


@findings.command()
def watch(as_json: AsJson = False, api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """Print findings as they open and resolve, until interrupted. With --json one document a line.

    \b
    Example:
      holdfast findings watch
    """
    import msgspec

    from holdfast.cli import client, findings_screen, screen
    from holdfast.model.finding_documents import FindingDocument

    with client.connect(api, token_file) as asked:
        for kind, data in asked.events("/findings/stream"):
            found = msgspec.json.decode(data, type=FindingDocument)
            screen.say(data if as_json else findings_screen.change_line(kind, found))


@findings.command()
def ack(
    finding: Id,
    reason: Annotated[str, typer.Option("--reason", help="For those who look later.")] = "",
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Note that you have seen it.

    \b
    Example:
      holdfast findings ack f-k3v2m7qh --reason "on it"
    """
    _mark(finding, "acknowledge", {"reason": reason}, api=api, token_file=token_file, as_json=as_json)


@findings.command()
def mute(
    finding: Id,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit log.")],
    for_h: Annotated[float | None, typer.Option("--for-hours", help="For so long; else for good.")] = None,
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Send no word of it, nor of its return. It stays listed and counted.

    \b
    Example:
      holdfast findings mute f-k3v2m7qh --reason "lab machine" --for-hours 24
    """
    body: dict[str, object] = {"reason": reason} | ({} if for_h is None else {"for_s": for_h * 3600})
    _mark(finding, "mute", body, api=api, token_file=token_file, as_json=as_json)


@findings.command()
def unmute(finding: Id, as_json: AsJson = False, api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """Send word of it again.

    \b
    Example:
      holdfast findings unmute f-k3v2m7qh
    """
    _mark(finding, "unmute", None, api=api, token_file=token_file, as_json=as_json)


def _mark(finding: str, verb: str, body: object, *, api: str, token_file: Path | None, as_json: bool) -> None:
    from urllib.parse import quote

    from holdfast.cli import client, screen
    from holdfast.model.finding_documents import FindingDocument

    with client.connect(api, token_file) as asked:
        found = asked.send("POST", f"/findings/{quote(finding, safe='')}/{verb}", FindingDocument, body)
    if as_json:
        screen.print_json(found)
    else:
        screen.say(f"{found.id} {found.code}: {verb}d")


def _absence(asked: "ApiClient", agent: str) -> list[str]:
    """What is said of this agent if it is away; nothing where only its findings know it."""
    from urllib.parse import quote

    from holdfast.api.findings import AgentFindingsBody
    from holdfast.cli import findings_screen
    from holdfast.faults import Refused

    try:
        known = asked.get(f"/agents/{quote(agent, safe='')}/findings", AgentFindingsBody)
    except Refused:
        return []
    return findings_screen.absence_lines(known.absence)
