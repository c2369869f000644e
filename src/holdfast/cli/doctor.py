"""`holdfast doctor URL` and `holdfast doctor sign`: the agent's side of a connection that does not come about.

Mounted with `app.add_typer(doctor, name="doctor")`.
"""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from typer.core import TyperGroup

from holdfast.cli.options import AsJson

if TYPE_CHECKING:
    from holdfast.api.joined_bodies import JoinedBody
    from holdfast.doctor import Options, Report
    from holdfast.protocol.signing_check import SigningCheck

EXIT_PROBLEM: Final = 1
EXIT_DOCTOR: Final = 2
_URL_COMMAND: Final = "url"


class _UrlOrCommand(TyperGroup):
    """`doctor URL` is a command without a word of its own beside `doctor sign`: its name is the empty text."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        rest = dict(self.commands)
        self.commands.clear()
        self.commands[""] = rest.pop(_URL_COMMAND)
        self.commands.update(rest)

    # Newer versions of typer bring their own copy of click: neither's context can be named for both.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        named = args and args[0] in self.commands
        return super().parse_args(ctx, args if named else ["", *args])


doctor = typer.Typer(
    cls=_UrlOrCommand,
    rich_markup_mode=None,
    help="Find out on the agent's machine why it cannot connect: `holdfast doctor URL`.",
)


@doctor.command(_URL_COMMAND)
def examine_url(
    url: Annotated[str, typer.Argument(metavar="URL", help="What the agent was given: ws://HOST:8080/ws/agent.")],
    *,
    idle: Annotated[float, typer.Option(min=0, help="Hold a connection for so many seconds.")] = 0.0,
    timeout: Annotated[float, typer.Option(min=0.1, help="Patience with each single step, in seconds.")] = 5.0,
    host_id: Annotated[str | None, typer.Option(help="The host_id to ask a challenge for.")] = None,
    org_id: Annotated[str, typer.Option(help="The organisation to ask a challenge for.")] = "default-org",
    state_dir: Annotated[Path | None, typer.Option(help="The agent's state folder: use its own key.")] = None,
    enrolment_token_file: Annotated[Path | None, typer.Option(help="File with an enrolment token.")] = None,
    api: Annotated[
        str | None, typer.Option(metavar="URL", help="The Actions API, http://HOST:8083: joins both sides.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="The CA file that the agent uses (PEM).")] = None,
    client_cert: Annotated[Path | None, typer.Option(help="The agent's client certificate (PEM).")] = None,
    client_key: Annotated[Path | None, typer.Option(help="The key of --client-cert (PEM).")] = None,
    register: Annotated[
        bool | None,
        typer.Option(help="Register for real (needs --state-dir), or not even as a dry run. [default: a dry run]"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the evidence of every check.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look at everything between this host and the gateway; leaves nothing behind there.

    Exit code: 0 fine, 1 a problem was found, 2 the doctor itself failed.

    \b
    Examples:
      holdfast doctor ws://gateway.example:8080/ws/agent
      holdfast doctor wss://gateway.example/ws/agent --ca ca.pem --idle 120
      holdfast doctor sign --state-dir DIR --nonce N --server-time T --host-id H
    """
    from holdfast.doctor import Options

    try:
        options = Options(
            url=url, idle_s=idle, timeout_s=timeout, host_id=host_id, org_id=org_id, state_dir=state_dir,
            enrolment_token=_token_in(enrolment_token_file), api=api, ca_file=ca, client_cert=client_cert,
            client_key=client_key, register=register is True, dry_run=register is not False,
        )  # fmt: skip
        report, is_grave = _examine(options, as_json=as_json, verbose=verbose)
    except Exception as error:
        sys.stderr.write(f"error: the doctor itself failed: {type(error).__name__}: {error}\n")
        raise typer.Exit(EXIT_DOCTOR) from error
    raise typer.Exit(EXIT_DOCTOR if report.broken else 0 if report.ok and not is_grave else EXIT_PROBLEM)


def _token_in(path: Path | None) -> str | None:
    from holdfast.agent.tokenfile import read_token

    return None if path is None else read_token(path)


def _examine(options: "Options", *, as_json: bool, verbose: bool) -> "tuple[Report, bool]":
    """The report, and whether the verdict over both sides is that an agent cannot work."""
    import asyncio

    import msgspec

    from holdfast.cli import joining, screen
    from holdfast.doctor import examine

    if as_json:
        report = asyncio.run(examine(options))
        joined = _joined(options, report)
        screen.print_json(report if joined is None else {**msgspec.structs.asdict(report), "joined": joined})
        return report, joined is not None and joining.is_grave(joined)
    from holdfast.cli.doctor_screen import Telling

    with Telling(verbose=verbose) as telling:
        report = asyncio.run(examine(options, watcher=telling))
        telling.sum_up(report)
    joined = _joined(options, report)
    if joined is not None:
        telling.tell(joining.joined_lines(joined))
    return report, joined is not None and joining.is_grave(joined)


def _joined(options: "Options", report: "Report") -> "JoinedBody | None":
    """The verdict over both sides, where the API was named and answers; why not is told on stderr."""
    import msgspec

    from holdfast.cli import joining, screen

    if options.api is None:
        return None
    try:
        return joining.ask_api(options.api, msgspec.json.encode(report), attempt=report.attempt)
    except joining.NotJoinedError as error:
        screen.hint(f"not joined with the gateway's half: {error}")
        return None


@doctor.command("sign")
def sign(
    *,
    state_dir: Annotated[Path, typer.Option(help="The agent's state folder, with its key.")],
    nonce: Annotated[str, typer.Option(help="`nonce` of the challenge, exactly as it came.")],
    server_time: Annotated[str, typer.Option(help="`server_time` of the challenge, exactly as it came.")],
    host_id: Annotated[str, typer.Option(help="`host_id` as the agent sent it.")],
    signature: Annotated[str | None, typer.Option(help="What the agent sent as `signature`, to compare.")] = None,
    expect_sha256: Annotated[
        str | None, typer.Option(help="SHA-256 of the expected text, as the gateway's error gives it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute a registration's signature with the agent's own key, and show the first byte that differs.

    \b
    Example:
      holdfast doctor sign --state-dir DIR --nonce N --server-time T --host-id H --signature S
    """
    from holdfast.cli import screen
    from holdfast.cli.paragraphs import say_paragraph
    from holdfast.protocol.signing_check import check_signing

    seed = _seed_in(state_dir)
    result = check_signing(seed, nonce=nonce, server_time=server_time, host_id=host_id, sent=signature)
    same_text = None if expect_sha256 is None else expect_sha256.strip().lower() == result.text_sha256
    if as_json:
        screen.print_json({"check": result, "same_text_as_gateway": same_text})
    else:
        for name, value in _sign_values(result):
            screen.say(f"{name:<18}{value}")  # not wrapped: these values are copied
        for name, sentence in _sign_sentences(result, same_text):
            say_paragraph(sentence, lead=f"{name:<18}")
    raise typer.Exit(EXIT_PROBLEM if result.matches is False or same_text is False else 0)


def _seed_in(state_dir: Path) -> bytes:
    from holdfast.agent.keyring import KEY_FILE
    from holdfast.cli.failures import usage
    from holdfast.doctor.identity import read_seed

    path = state_dir / KEY_FILE
    if not os.path.lexists(path):
        raise usage(
            what=f"there is no agent's key in {state_dir}",
            why=f"{path} does not exist, or this user may not look into the folder",
            fix="Name the --state-dir that the agent itself is given, and run this as the agent's user",
        )
    return read_seed(state_dir)


def _sign_values(result: "SigningCheck") -> list[tuple[str, str]]:
    return [
        ("text to sign", result.text),
        ("bytes", str(result.text_len)),
        ("sha256", result.text_sha256),
        ("public key", result.public_key),
        ("signature", result.signature),
    ]


def _sign_sentences(result: "SigningCheck", same_text: bool | None) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []
    if same_text is not None:
        said = "the gateway expects this very text" if same_text else "the gateway expects another text than this"
        told.append(("compared text", said))
    found, byte = result.problem, result.difference
    if result.matches:
        told.append(("compared", "what was sent is right for this key and text"))
    elif found is not None and byte is None and found.code.startswith("SIG-ENC-"):
        told.append(("compared", "key and text are right: only the encoding of what was sent is wrong"))
    if found is not None and found.code == "SIG-UNEXPLAINED":
        told += [
            ("problem", f"{found.code}: what was sent is not this key's signature over this text"),
            ("why", f"{found.why}; the likeliest mistakes were tried, and none explains it"),
            (
                "fix",
                "Read the gateway's answer to this signature: it tries far more; or sign with the key of this file",
            ),
        ]
    elif found is not None:
        told += [("problem", f"{found.code}: {found.what}"), ("why", found.why), ("fix", found.fix)]
    if byte is not None:
        place = f"byte {byte.at}: expected {byte.expected or 'the end'}, got {byte.got or 'the end'}"
        told += [("first difference", place), ("which means", byte.meaning)]
    return told


__all__ = ["doctor", "examine_url", "sign"]
