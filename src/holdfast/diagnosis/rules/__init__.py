"""The rules, in one table: what is looked at in which moment.

A rule is a pure function of a scene. It returns verdicts and changes nothing; the order of the rules of one moment is
the order of their verdicts, and a later one may replace an earlier one.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final

from holdfast.diagnosis.rules import (
    clocks,
    endings,
    handshakes,
    identity,
    messages,
    own_health,
    rates,
    returns,
    silence,
)
from holdfast.diagnosis.scenes import Scene
from holdfast.diagnosis.verdicts import Verdict

Rule = Callable[[Scene], Iterable[Verdict]]


class Moment(Enum):
    """Something that can be judged: an event, or what the engine concludes from several."""

    STARTED = "the gateway started"
    LAGGED = "the gateway's loop was late"
    STORE_FAILED = "the store failed"
    HANDSHAKE_FAILED = "a handshake failed"
    UPGRADED = "an upgrade through a proxy"
    REFUSED = "a message was refused"
    ODD = "a message was odd, and taken all the same"
    SILENT = "no message so far"
    REPEATED_INIT = "init again while a challenge is out"
    OVERDUE = "a challenge is out for a while"
    NO_HEARTBEAT = "no heartbeat for three intervals"
    NO_PONG = "no pong for 2.5 intervals"
    LATE_PONG = "a pong came seconds late"
    DIED = "no frame at all until we gave up"
    CLOCK = "the clock's offset was measured, or changed"
    SETTLED = "the first heartbeat came"
    REGISTERED = "a registration was completed"
    RETURNED = "an agent registered or resumed"
    ENDED = "a connection ended"
    CLOSED = "the agent closed"
    WENT_AWAY = "the agent went away politely and did not come back"
    ABRUPT = "a connection ended without a word, and not many did"
    HERD = "many agents came back"
    EARLY = "an attempt inside the time to wait"


RULES: Final[Mapping[Moment, tuple[Rule, ...]]] = {
    Moment.STARTED: (own_health.restarted,),
    Moment.LAGGED: (own_health.lagged,),
    Moment.STORE_FAILED: (own_health.store_failed,),
    Moment.HANDSHAKE_FAILED: (handshakes.failed, rates.reconnect_loop),
    Moment.UPGRADED: (handshakes.hidden_addresses,),
    Moment.REFUSED: (messages.refused, messages.interleaved),
    Moment.ODD: (messages.odd,),
    Moment.SILENT: (silence.silent,),
    Moment.REPEATED_INIT: (silence.repeats_init,),
    Moment.OVERDUE: (silence.overdue,),
    Moment.NO_HEARTBEAT: (silence.no_heartbeat,),
    Moment.NO_PONG: (silence.no_pong,),
    Moment.LATE_PONG: (silence.late_pong,),
    Moment.DIED: (silence.died,),
    Moment.CLOCK: (clocks.jumped, clocks.ours),
    Moment.SETTLED: (clocks.skewed,),
    Moment.REGISTERED: (identity.new_keys, identity.new_host, identity.pending, rates.reregister_loop),
    Moment.RETURNED: (returns.returned,),
    Moment.ENDED: (
        silence.left_challenge, handshakes.refused_accept, endings.crash_loops, rates.reconnect_loop,
        identity.replaced,
    ),
    Moment.CLOSED: (endings.closed,),
    Moment.WENT_AWAY: (endings.gone_away,),
    Moment.ABRUPT: (endings.abrupt,),
    Moment.HERD: (rates.herd,),
    Moment.EARLY: (rates.too_early,),
}  # fmt: skip
