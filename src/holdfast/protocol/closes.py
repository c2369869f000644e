"""Close codes, and what each tells the agent: come back, or stay away.

4000-4499 and the IANA codes below 3000 mean reconnect, 4500-4999 mean do not. The bands are those of the protocol page;
an agent that knows only the bands already does the right thing.
"""

from enum import IntEnum
from typing import Final


class CloseCode(IntEnum):
    """Every code that this gateway sends."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    INVALID_DATA = 1007
    TOO_BIG = 1009
    INTERNAL = 1011
    RESTART = 1012
    TRY_LATER = 1013
    BAD_MESSAGES = 4400
    REGISTER_FIRST = 4401
    TIMEOUT = 4408
    TOO_FAST = 4429
    DENIED = 4503
    REPLACED = 4509


TERMINAL_BAND: Final = range(4500, 5000)


def is_terminal(code: int) -> bool:
    """Whether a server's close with `code` tells the agent not to come back by itself."""
    return code in TERMINAL_BAND
