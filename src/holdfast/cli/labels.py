"""Labels as they are typed: `KEY=VALUE`, and `KEY-` to remove one."""

from collections.abc import Iterable

from holdfast.cli.failures import usage
from holdfast.faults import printable


def parsed(texts: Iterable[str]) -> dict[str, str]:
    """The labels of `KEY=VALUE` texts.

    Raises:
        Refused: one is none.
    """
    return dict(_pair(text, fix="Write KEY=VALUE; KEY= sets an empty value") for text in texts)


def changes(texts: Iterable[str]) -> dict[str, str | None]:
    """What was typed as the merge patch that the API takes: None removes a label, and the last word on a key counts.

    Raises:
        Refused: one is neither KEY=VALUE nor KEY-.
    """
    asked: dict[str, str | None] = {}
    for text in texts:
        if "=" not in text and text.endswith("-") and text != "-":
            asked[text.removesuffix("-")] = None
        else:
            key, value = _pair(text, fix="Write KEY=VALUE to set a label and KEY- to remove one")
            asked[key] = value
    return asked


def _pair(text: str, *, fix: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if key and equals:
        return key, value
    why = "the key before = is missing" if equals else "there is no = in it"
    raise usage(what=f"{printable(text)!r} is no label", why=why, fix=fix)
