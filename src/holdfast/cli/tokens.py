"""`holdfast tokens …`: API tokens, made in the store on the machine itself, so that the first one can be made."""

from typing import Annotated

import typer

from holdfast.cli import options as o

tokens = typer.Typer(
    no_args_is_help=True,
    help="Create, list and revoke API tokens, on the machine that holds the store.",
    rich_markup_mode=None,
)

Expires = Annotated[str | None, typer.Option("--expires", metavar="30d|12h|…", help="How long it is valid.")]


@tokens.command()
def create(
    *,
    role: Annotated[
        str,
        typer.Option("--role", metavar="viewer|operator|admin", help="Read; also act on agents; also manage tokens."),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Who or what will use it; stands in the audit log.")
    ] = None,
    expires: Expires = None,
    as_json: o.AsJson = False,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """Create an API token. Its secret is printed once, alone on stdout.

    \b
    Examples:
      holdfast tokens create --role admin --name ada
      holdfast tokens create --role viewer --expires 30d > token.txt
    """
    from datetime import UTC, datetime

    from holdfast.api.bodies import IssuedTokenBody
    from holdfast.api.documents import token_body
    from holdfast.cli import screen, vault

    named = name or f"{role}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    ttl = vault.life_s(expires)
    issued = vault.with_registry(
        lambda registry: registry.tokens.create(named, role, ttl, actor=vault.local_actor()),
        config=config, data_dir=data_dir, database_url=database_url,
    )  # fmt: skip
    if as_json:
        screen.print_json(IssuedTokenBody(secret=issued.secret, token=token_body(issued.token)))
        return
    screen.say(issued.secret)
    screen.hint(
        f"The token of {issued.token.name} ({role}) is shown this once. Keep it in a file of mode 600, and give that "
        f"file to commands with --token-file. Its id, for list and revoke: {issued.token.token_id}"
    )


@tokens.command("list")
def list_tokens(
    *,
    as_json: o.AsJson = False,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """List API tokens, without their secrets.

    \b
    Example:
      holdfast tokens list
    """
    from holdfast.api.bodies import TokensBody
    from holdfast.api.documents import token_body
    from holdfast.cli import screen, vault

    found = vault.with_registry(
        lambda registry: registry.tokens.list(), config=config, data_dir=data_dir, database_url=database_url
    )
    bodies = [token_body(token) for token in found]
    if as_json:
        screen.print_json(TokensBody(tokens=bodies))
        return
    screen.print_table(
        ("id", "name", "role", "expires", "revoked", "last used", "created"),
        ((t.token_id, t.name, t.role.value, screen.minute(t.expires_at, "never"), screen.minute(t.revoked_at),
          screen.ago(t.last_used_at), screen.minute(t.created_at)) for t in bodies),
        narrow=("id", "name", "role", "expires", "revoked"),
    )  # fmt: skip


@tokens.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, or its name where no other has it.")],
    *,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """End an API token, at once and for ever.

    \b
    Example:
      holdfast tokens revoke ada
    """
    from holdfast.cli import screen, vault

    vault.with_registry(
        lambda registry: registry.tokens.revoke(token, actor=vault.local_actor()),
        config=config, data_dir=data_dir, database_url=database_url,
    )  # fmt: skip
    screen.say(f"{token} is revoked")
