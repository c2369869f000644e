"""`holdfast audit …`: who changed what."""

from typing import Annotated

import typer

from holdfast.cli.options import DEFAULT_API, All, Api, AsJson, Cursor, Limit, TokenFile

audit = typer.Typer(no_args_is_help=True, help="Read the audit log.", rich_markup_mode=None)


@audit.command("list")
def list_audit(
    *,
    actor: Annotated[str | None, typer.Option("--actor", help="Who did it.")] = None,
    action: Annotated[str | None, typer.Option("--action", help="What was done, e.g. agent.revoke.")] = None,
    subject: Annotated[str | None, typer.Option("--subject", help="To what: a uid or id.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    every: All = False,
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """List changes, the newest first.

    \b
    Example:
      holdfast audit list --action agent.revoke
    """
    from holdfast.api.bodies import AuditsBody
    from holdfast.cli import client, screen

    params = {"actor": actor, "action": action, "subject": subject, "limit": limit, "cursor": cursor}
    with client.connect(api, token_file) as asked:
        pages = list(asked.pages("/audit", AuditsBody, params, every=every))
    found = [record for page in pages for record in page.records]
    if as_json:
        screen.print_json(AuditsBody(records=found, next_cursor=pages[-1].next_cursor))
        return
    screen.print_table(
        ("at", "actor", "action", "subject", "detail"),
        ((r.at[:19] + "Z", r.actor, r.action, r.subject, screen.plain(r.detail)) for r in found),
        breakable=("detail",),
    )
    screen.hint(screen.page_end(len(found), pages[-1].next_cursor))
