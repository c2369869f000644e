"""One row of the table of faults: how a fault is injected, who has to name it, and what may be said beside it."""

from collections.abc import Awaitable, Callable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from holdfast.lab.specs import USUAL, PlaneSpec
from holdfast.lab.verdicts import Named, Viewpoint

if TYPE_CHECKING:
    from holdfast.lab.context import Context

Inject = Callable[["Context"], Awaitable[Named | None]]


class Need(StrEnum):
    """What a machine must offer beyond Python."""

    NETNS = "netns"
    PACKETS = "packets"
    TMPFS = "tmpfs"
    PRLIMIT = "prlimit"


IN_WORDS: Final[Mapping[Need, str]] = {
    Need.NETNS: "a network namespace: root, `unshare`, `nsenter`, `ip`",
    Need.PACKETS: "a packet filter in a network namespace: root, `tc` with cls_bpf",
    Need.TMPFS: "a mount of its own: root, `unshare`, `mount`",
    Need.PRLIMIT: "the program `prlimit`",
}


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """`inject` returns the verdict of the agent's side, or None where the gateway's findings are to be read.

    `beside` are codes that rightly stand beside the expected one: its symptoms, its cause, what it brings about.
    `within_s` is how long the finding may take after the injection. `is_long` marks what mostly waits: it runs beside
    the others. `blame` is that of the catalogue unless the case has another one.
    """

    code: str
    how: str
    inject: Inject
    sees: Viewpoint = Viewpoint.GATEWAY
    needs: tuple[Need, ...] = ()
    plane: PlaneSpec = USUAL
    beside: tuple[str, ...] = ()
    within_s: float = 8.0
    is_long: bool = False


class NotInjected(msgspec.Struct, frozen=True, kw_only=True):
    """A code of the catalogue that one Linux machine cannot show, and why."""

    code: str
    reason: str
