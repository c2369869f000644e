"""`holdfast explain CODE`: what a code means and what to do."""

from typing import TYPE_CHECKING, Annotated, Final

import typer

from holdfast.cli.options import AsJson

if TYPE_CHECKING:
    from holdfast.faults import Fault


CATALOGUE_PAGE: Final = "docs/diagnosis/README.md, or /docs on the Actions API,"
NEAR: Final = 0.7


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="A code from an error, a log line or a close reason.")],
    as_json: AsJson = False,
) -> None:
    """Explain a fault code.

    \b
    Examples:
      holdfast explain SIG-ORDER
      holdfast explain API-TOKEN-MISSING
    """
    import msgspec

    from holdfast.cli import screen
    from holdfast.faults import UnknownFault, fault

    if (own := _own(code)) is not None:
        if as_json:
            screen.print_json(dict(own))
        else:
            screen.print_fields(own)
        return
    try:
        entry = fault(code.strip().upper())
    except UnknownFault as unknown:
        raise _unknown(unknown) from None
    if as_json:
        screen.print_json(msgspec.to_builtins(entry))
    else:
        screen.print_fields(_fields(entry))


def _own(code: str) -> list[tuple[str, str]] | None:
    """The codes of configuration and API, which stand outside the catalogue of connection faults."""
    from holdfast.api.codes import API_CODES
    from holdfast.config.problems import CONFIGURATION_CODES

    wanted = code.strip().upper()
    if wanted in API_CODES:
        entry = API_CODES[wanted]
        return [("code", wanted), ("title", entry.title), ("http status", str(entry.status)), ("fix", entry.fix)]
    if wanted in CONFIGURATION_CODES:
        title, fix = CONFIGURATION_CODES[wanted]
        return [("code", wanted), ("title", title), ("fix", fix)]
    return None


def _unknown(unknown: "LookupError") -> Exception:
    from holdfast.cli.failures import usage
    from holdfast.faults import UnknownFault

    assert isinstance(unknown, UnknownFault)
    near = [code for code in unknown.nearest if is_near(unknown.code, code)]
    return usage(
        what=f"there is no fault code {unknown.code}",
        why="neither the catalogue nor the lists of the API and the configuration have it",
        fix=f"Did you mean {', '.join(near)}?" if near else f"See {CATALOGUE_PAGE} for every code",
    )


def is_near(typed: str, code: str) -> bool:
    """Whether `typed` may be a slip for `code`: it shares a word of it, or most of its letters in their order."""
    from difflib import SequenceMatcher

    wanted = typed.strip().upper()
    shares = set(wanted.replace("_", "-").split("-")) & set(code.split("-"))
    return bool(shares) or SequenceMatcher(None, wanted, code, autojunk=False).ratio() >= NEAR


def _fields(entry: "Fault") -> list[tuple[str, str]]:
    from holdfast.faults import doc_path

    fields = [
        ("code", entry.code),
        ("title", entry.title),
        ("severity", entry.severity.value),
        ("to be mended by", entry.blame.value),
        ("symptom", entry.symptom),
        ("cause", entry.cause),
        ("fix", entry.fix),
        ("gateway sees", entry.gateway_sees),
        ("doctor probes", entry.doctor_probes),
    ]
    fields += [("not to be confused", f"{code}: {how}") for code, how in entry.confused_with]
    if entry.beneath:
        fields.append(("look beneath for", ", ".join(entry.beneath)))
    return [*fields, ("page", doc_path(entry.code))]
