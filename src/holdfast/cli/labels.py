"""Labels as they are typed: `KEY=VALUE`, `KEY`, and `KEY-` to remove one."""

from collections.abc import Iterable, Mapping

from holdfast.cli.failures import usage
from holdfast.faults import printable


def parsed(texts: Iterable[str]) -> dict[str, str]:
    """The labels of `KEY=VALUE` texts.

    Raises:
        Refused: one has no key.
    """
    return changed({}, texts)


def changed(labels: Mapping[str, str], texts: Iterable[str]) -> dict[str, str]:
    """`labels` after the changes that were typed.

    Raises:
        Refused: one has no key.
    """
    result = dict(labels)
    for text in texts:
        key, equals, value = text.partition("=")
        removes = not equals and key.endswith("-")
        key = key.removesuffix("-") if removes else key
        if not key:
            raise usage(
                what=f"{printable(text)!r} is no label",
                why="the key before = is missing",
                fix="Write KEY=VALUE to set a label and KEY- to remove one",
            )
        if removes:
            result.pop(key, None)
        else:
            result[key] = value
    return result
