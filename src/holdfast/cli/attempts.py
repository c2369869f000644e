"""`holdfast attempts …`: every connection, also of agents that never got through."""

from typing import TYPE_CHECKING, Annotated

import typer

from holdfast.cli.joining import join_report
from holdfast.cli.options import DEFAULT_API, All, Api, AsJson, Cursor, Limit, TokenFile

if TYPE_CHECKING:
    from holdfast.api.bodies import AttemptBody

attempts = typer.Typer(no_args_is_help=True, help="List and show connections.", rich_markup_mode=None)


@attempts.command("list")
def list_attempts(
    *,
    only_open: Annotated[bool | None, typer.Option("--open/--ended", help="Only live or only ended ones.")] = None,
    host_id: Annotated[str | None, typer.Option("--host-id", help="Claimed host_id.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Proved agent_uid.")] = None,
    code: Annotated[str | None, typer.Option("--code", help="Fault code seen on it.")] = None,
    step: Annotated[str | None, typer.Option("--step", help="Step reached, e.g. first-message.")] = None,
    address: Annotated[str | None, typer.Option("--address", help="Remote address.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    every: All = False,
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """List live and recent connections, the newest first.

    \b
    Examples:
      holdfast attempts list --open
      holdfast attempts list --host-id web-1 --code SIG-ORDER
    """
    from holdfast.api.bodies import AttemptsBody
    from holdfast.cli import client, screen

    params = {
        "open": None if only_open is None else str(only_open).lower(), "host_id": host_id, "agent_uid": agent,
        "code": code, "step": step, "address": address, "limit": limit, "cursor": cursor,
    }  # fmt: skip
    with client.connect(api, token_file) as asked:
        pages = list(asked.pages("/attempts", AttemptsBody, params, every=every))
    found = [attempt for page in pages for attempt in page.attempts]
    if as_json:
        screen.print_json(AttemptsBody(attempts=found, next_cursor=pages[-1].next_cursor))
        return
    screen.print_table(
        ("attempt", "started", "step", "host", "address", "end", "codes"),
        ((a.attempt, screen.ago(a.started_at), *_told(a)) for a in found),
        narrow=("attempt", "step", "host", "codes"),
    )
    screen.hint(screen.page_end(len(found), pages[-1].next_cursor))


def _told(attempt: "AttemptBody") -> tuple[str, ...]:
    from holdfast.cli.screen import without_port

    end = "open" if attempt.open else attempt.ended_how or str(attempt.close_code or "-")
    address = without_port(attempt.remote_address)
    return attempt.step, attempt.claimed_host_id or "-", address, end, ", ".join(attempt.codes) or "-"


@attempts.command()
def show(
    attempt: Annotated[str, typer.Argument(metavar="ATTEMPT", help="Attempt id, as in logs, errors and headers.")],
    as_json: AsJson = False,
    api: Api = DEFAULT_API,
    token_file: TokenFile = None,
) -> None:
    """Show one connection with its timeline.

    \b
    Example:
      holdfast attempts show a-7alapqsvivec3ols
    """
    from urllib.parse import quote

    from holdfast.api.bodies import AttemptBody
    from holdfast.cli import client, screen
    from holdfast.faults import CATALOGUE

    with client.connect(api, token_file) as asked:
        found = asked.get(f"/attempts/{quote(attempt, safe='')}", AttemptBody)
    if as_json:
        screen.print_json(found)
        return
    # What was counted stands in the record once the connection has ended; a 0 before that would be no count.
    uncounted = [name for name in ("bytes_in", "bytes_out", "messages_in") if not getattr(found, name)]
    screen.print_struct(found, without=("timeline", *uncounted))
    screen.say("")
    screen.print_table(
        ("after", "step", "ok", "code", "fact"),
        (
            (f"+{screen.seconds_between(found.started_at, t.at):.3f} s", t.step, "yes" if t.ok else "no",
             t.code or "-", t.fact)
            for t in found.timeline
        ),
        narrow=("after", "step", "code", "fact"),
    )  # fmt: skip
    for code in found.codes:
        # A newer gateway may have written a code that is not known here.
        if (entry := CATALOGUE.get(code)) is not None:
            screen.say("")
            screen.print_fields([(code, entry.title), ("fix", entry.fix)])


attempts.command("join")(join_report)
