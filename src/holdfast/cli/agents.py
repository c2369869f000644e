"""`holdfast agents …`: the fleet, as the Actions API shows it."""

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.options import DEFAULT_API, All, Api, AsJson, Cursor, Limit, TokenFile

if TYPE_CHECKING:
    from holdfast.api.bodies import AgentBody
    from holdfast.cli.client import ApiClient

agents = typer.Typer(no_args_is_help=True, help="List, admit, label and remove agents.", rich_markup_mode=None)

AgentName = Annotated[str, typer.Argument(metavar="AGENT", help="agent_uid, or host_id where only one agent has it.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit log and told to the agent.")]


@agents.command("list")
def list_agents(
    *,
    status: Annotated[
        list[str] | None, typer.Option("--status", help="online, offline, pending, … (repeat for several).")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY[=VALUE]", help="Has this label (repeatable).")
    ] = None,
    org: Annotated[str | None, typer.Option("--org", "--org-id", help="Organisation.")] = None,
    host_id: Annotated[str | None, typer.Option("--host-id", help="Exactly this host_id.")] = None,
    version: Annotated[str | None, typer.Option("--version", help="Exactly this agent version.")] = None,
    platform: Annotated[str | None, typer.Option("--platform", help="Operating system.")] = None,
    q: Annotated[str | None, typer.Option("-q", "--search", help="Text anywhere in the agent.")] = None,
    sort: Annotated[
        str, typer.Option("--sort", help="registered_at, host_id, last_seen, status or version; - reverses.")
    ] = "registered_at",
    limit: Limit = 50,
    cursor: Cursor = None,
    every: All = False,
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """List agents.

    \b
    Examples:
      holdfast agents list --status offline --status flapping
      holdfast agents list --label env=prod --sort -last_seen
      holdfast agents list --all --json | jq '.agents[].host_id'
    """
    from holdfast.api.bodies import AgentsBody
    from holdfast.cli import client, screen

    params = {
        "status": status, "label": label, "org": org, "host_id": host_id, "version": version, "platform": platform,
        "q": q, "sort": sort, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    with client.connect(api, token_file) as asked:
        pages = list(asked.pages("/agents", AgentsBody, params, every=every))
    found = [agent for page in pages for agent in page.agents]
    last = pages[-1]
    if as_json:
        screen.print_json(
            AgentsBody(agents=found, total=last.total, total_is_exact=last.total_is_exact, next_cursor=last.next_cursor)
        )
        return
    screen.print_table(
        ("status", "host", "uid", "version", "last seen", "labels"),
        ((a.status, a.host_id, a.agent_uid, a.agent_version or "-", screen.ago(a.last_seen), screen.pairs(a.labels))
         for a in found),
        narrow=("status", "host", "uid"),
        breakable=("labels",),
    )  # fmt: skip
    screen.hint(screen.page_end(len(found), last.next_cursor, total=last.total, exact=last.total_is_exact))


@agents.command()
def show(name: AgentName, as_json: AsJson = False, api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """Show one agent with everything that is known of it.

    \b
    Example:
      holdfast agents show web-1
    """
    from holdfast.cli import client, screen

    with client.connect(api, token_file) as asked:
        found = _find(asked, name)
    if as_json:
        screen.print_json(found)
    else:
        screen.print_struct(found, names={"version": "record version", "clock_offset_s": "clock offset s"})


@agents.command()
def approve(name: AgentName, api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """Let a pending (or revoked) agent take part.

    \b
    Example:
      holdfast agents approve web-1 --token-file ~/.holdfast-token
    """
    _act(name, "approve", "approved", api=api, token_file=token_file)


@agents.command()
def revoke(name: AgentName, reason: Reason = "", api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """End an agent's connection and refuse it from now on.

    \b
    Example:
      holdfast agents revoke web-1 --reason "laptop lost"
    """
    _act(name, "revoke", "revoked", reason=reason, api=api, token_file=token_file)


@agents.command()
def disconnect(name: AgentName, reason: Reason = "", api: Api = DEFAULT_API, token_file: TokenFile = None) -> None:
    """End an agent's connection; it may come back at once.

    \b
    Example:
      holdfast agents disconnect web-1
    """
    _act(
        name, "disconnect", "asked to disconnect", reason=reason, api=api, token_file=token_file,
        offline="not connected: there is nothing to disconnect",
    )  # fmt: skip


@agents.command()
def label(
    name: AgentName,
    typed: Annotated[list[str], typer.Argument(metavar="KEY=VALUE|KEY-…", help="Labels to set; KEY- removes one.")],
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Set and remove labels.

    \b
    Example:
      holdfast agents label web-1 env=prod team=core old-
    """
    from holdfast.cli import client, screen
    from holdfast.cli.labels import changes

    labels = changes(typed)
    with client.connect(api, token_file) as asked:
        found = _find(asked, name)
        after = _patch(asked, found, {"labels": labels})
    screen.say(f"{after.host_id} ({after.agent_uid}) now has {screen.pairs(after.labels)}")


@agents.command()
def note(
    name: AgentName,
    text: Annotated[str, typer.Argument(help="The note; empty removes it.")],
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Write a note for colleagues.

    \b
    Example:
      holdfast agents note web-1 "disk is being replaced"
    """
    from holdfast.cli import client, screen

    with client.connect(api, token_file) as asked:
        found = _find(asked, name)
        after = _patch(asked, found, {"note": text})
    screen.say(f"{after.host_id} ({after.agent_uid}): note {'written' if after.note else 'removed'}")


@agents.command()
def delete(
    name: AgentName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Forget an agent. If it still runs it has to register again; to keep it out, revoke it.

    \b
    Example:
      holdfast agents delete web-1 --yes
    """
    from holdfast.cli import client, screen

    with client.connect(api, token_file) as asked:
        found = _find(asked, name)
        if not yes:
            typer.confirm(f"Forget {screen.safe(found.host_id)} ({found.agent_uid})?", abort=True)
        asked.send("DELETE", f"/agents/{found.agent_uid}", type(None))
    screen.say(f"{found.host_id} ({found.agent_uid}) is forgotten")


@agents.command()
def expect(
    host_id: Annotated[str, typer.Argument(help="The host_id that will register.")],
    *,
    org: Annotated[str, typer.Option("--org", "--org-id", help="Organisation.")] = "default-org",
    label: Annotated[list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Label (repeatable).")] = None,
    note: Annotated[str, typer.Option("--note", help="Note for colleagues.")] = "",
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Announce a host, so that Holdfast can tell when nothing of it ever arrives.

    \b
    Example:
      holdfast agents expect db-7 --label env=prod
    """
    from holdfast.api.bodies import AgentBody
    from holdfast.cli import client, screen
    from holdfast.cli.labels import parsed

    body = {"host_id": host_id, "org_id": org, "labels": parsed(label or []), "note": note}
    with client.connect(api, token_file) as asked:
        found = asked.send("POST", "/agents", AgentBody, body)
    screen.say(f"{found.host_id} is expected ({found.agent_uid})")


def _find(asked: "ApiClient", name: str) -> "AgentBody":
    """The agent of this uid or host_id. Raises `Refused` where there is none, or several."""
    from urllib.parse import quote

    from holdfast.api.bodies import AgentBody, AgentsBody
    from holdfast.cli.failures import usage
    from holdfast.faults import printable

    if not name.startswith(("agt_", "exp_")):
        page = asked.get("/agents", AgentsBody, {"host_id": name, "limit": 10})
        if len(page.agents) == 1:
            return page.agents[0]
        if page.agents:
            raise usage(
                what=f"{page.total} agents have the host_id {printable(name)}",
                why="a host_id is a claim, and only the uid is proved: "
                + ", ".join(f"{agent.agent_uid} ({agent.status})" for agent in page.agents),
                fix="Name the agent by its uid",
            )
    return asked.get(f"/agents/{quote(name, safe='')}", AgentBody)


def _patch(asked: "ApiClient", found: "AgentBody", change: dict[str, object]) -> "AgentBody":
    from holdfast.api.bodies import AgentBody

    return asked.send("PATCH", f"/agents/{found.agent_uid}", AgentBody, change, version=found.version)


def _act(
    name: str,
    verb: str,
    done: str,
    *,
    reason: str | None = None,
    api: str,
    token_file: TokenFile,
    offline: str | None = None,
) -> None:
    from holdfast.api.bodies import AgentBody
    from holdfast.cli import client, screen

    with client.connect(api, token_file) as asked:
        found = _find(asked, name)
        if offline is not None and found.connected_since is None:
            screen.say(f"{found.host_id} ({found.agent_uid}) is {offline}")
            return
        body = None if reason is None else {"reason": reason}
        after = asked.send("POST", f"/agents/{found.agent_uid}/{verb}", AgentBody, body)
    screen.say(f"{after.host_id} ({after.agent_uid}) is {done}")
