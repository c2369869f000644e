"""`holdfast enrolment …`: tokens that let agents register, made in the store on the machine itself."""

from typing import Annotated

import typer

from holdfast.cli import options as o
from holdfast.cli.tokens import Expires

enrolment = typer.Typer(
    no_args_is_help=True,
    help="Create, list and revoke enrolment tokens, on the machine that holds the store.",
    rich_markup_mode=None,
)


@enrolment.command()
def create(
    *,
    name: Annotated[str, typer.Option("--name", help="What it is for.")] = "enrolment",
    org: Annotated[str | None, typer.Option("--org", "--org-id", help="Admit only to this organisation.")] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", metavar="KEY=VALUE", help="Given to every agent (repeatable).")
    ] = None,
    max_uses: Annotated[int | None, typer.Option("--max-uses", min=1, help="How many agents it lets in.")] = None,
    expires: Expires = None,
    as_json: o.AsJson = False,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """Create a token that lets agents register. Its secret is printed once, alone on stdout.

    \b
    Example:
      holdfast enrolment create --name rack-7 --max-uses 40 --expires 7d
    """
    from holdfast.api.bodies import IssuedEnrolmentTokenBody
    from holdfast.api.documents import enrolment_token_body
    from holdfast.cli import screen, vault
    from holdfast.cli.labels import parsed

    ttl, labels = vault.life_s(expires), parsed(label or [])
    issued = vault.with_registry(
        lambda registry: registry.enrolment_tokens.create(
            name, org_id=org, labels=labels, ttl=ttl, max_uses=max_uses, actor=vault.local_actor()
        ),
        config=config, data_dir=data_dir, database_url=database_url,
    )  # fmt: skip
    if as_json:
        screen.print_json(IssuedEnrolmentTokenBody(secret=issued.secret, token=enrolment_token_body(issued.token)))
        return
    screen.say(issued.secret)
    screen.hint(
        f"The token {issued.token.name} is shown this once. Keep it in a file of mode 600, and give that file to "
        f"agents with --enrolment-token-file. Its id, for list and revoke: {issued.token.token_id}"
    )


@enrolment.command("list")
def list_tokens(
    *,
    as_json: o.AsJson = False,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """List enrolment tokens, without their secrets.

    \b
    Example:
      holdfast enrolment list
    """
    from holdfast.api.bodies import EnrolmentTokensBody
    from holdfast.api.documents import enrolment_token_body
    from holdfast.cli import screen, vault

    found = vault.with_registry(
        lambda registry: registry.enrolment_tokens.list(), config=config, data_dir=data_dir, database_url=database_url
    )
    bodies = [enrolment_token_body(token) for token in found]
    if as_json:
        screen.print_json(EnrolmentTokensBody(enrolment_tokens=bodies))
        return
    screen.print_table(
        ("id", "name", "uses", "expires", "revoked", "org", "labels"),
        ((t.token_id, t.name, f"{t.uses} of {t.max_uses or 'any'}", screen.minute(t.expires_at, "never"),
          screen.minute(t.revoked_at), t.org_id or "any", screen.pairs(t.labels)) for t in bodies),
        narrow=("id", "name", "uses", "expires", "revoked"),
        breakable=("labels",),
    )  # fmt: skip


@enrolment.command()
def revoke(
    token: Annotated[str, typer.Argument(metavar="TOKEN", help="Its id, or its name where no other has it.")],
    *,
    config: o.ConfigFile = None,
    data_dir: o.DataDir = None,
    database_url: o.DatabaseUrl = None,
) -> None:
    """Let nobody register with this token any more; agents that did stay.

    \b
    Example:
      holdfast enrolment revoke rack-7
    """
    from holdfast.cli import screen, vault

    vault.with_registry(
        lambda registry: registry.enrolment_tokens.revoke(token, actor=vault.local_actor()),
        config=config, data_dir=data_dir, database_url=database_url,
    )  # fmt: skip
    screen.say(f"{token} is revoked")
