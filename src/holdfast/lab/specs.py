"""Which control plane a fault needs: most are content with any, some want it set in a certain way."""

from typing import Final, Literal

import msgspec

from holdfast.config.model import Limits, Timeouts

# A gateway's patience, shortened so that a rehearsal takes seconds; the proportions are those of the defaults.
QUICK: Final = Timeouts(
    handshake_s=2.0,
    first_message_s=1.0,
    silent_close_s=6.0,
    ping_interval_s=1.0,
    dead_after_s=4.0,
    challenge_ttl_s=3.0,
    heartbeat_interval_s=1.0,
    drain_s=1.0,
)


class PlaneSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a throw-away control plane. Faults with the same spec share one.

    `speed` makes its clock run faster, `ahead_s` puts it ahead; `is_usual` says that any running gateway will do.
    """

    name: str
    timeouts: Timeouts = QUICK
    limits: Limits = Limits()
    registration: Literal["open", "approve", "token"] = "open"
    is_usual: bool = False
    tls: bool = False
    speed: float = 1.0
    ahead_s: float = 0.0

    def environ(self) -> dict[str, str]:
        """The settings as environment variables: what differs from the defaults."""
        found: dict[str, str] = {"HOLDFAST_REGISTRATION": self.registration}
        for section, values, standard in (
            ("TIMEOUTS", self.timeouts, Timeouts()),
            ("LIMITS", self.limits, Limits()),
        ):
            for name, value in msgspec.structs.asdict(values).items():
                if value != getattr(standard, name):
                    found[f"HOLDFAST_{section}__{name.upper()}"] = f"{value:g}"
        return found


USUAL: Final = PlaneSpec(name="usual", is_usual=True)
# Our own pings and limits stay out of the way, so that what ends a quiet connection is the box in between: an idle
# limit of a minute is twelve seconds of a rehearsal.
HASTY: Final = PlaneSpec(
    name="hasty",
    timeouts=Timeouts(
        handshake_s=100.0,
        first_message_s=300.0,
        silent_close_s=4000.0,
        ping_interval_s=370.0,
        dead_after_s=3000.0,
        challenge_ttl_s=600.0,
        heartbeat_interval_s=1000.0,
        drain_s=20.0,
    ),
    speed=10.0,
)
BRISK: Final = msgspec.structs.replace(HASTY, name="brisk", speed=5.0)
PATIENT: Final = PlaneSpec(name="patient", timeouts=Timeouts(drain_s=1.0))
APPROVING: Final = PlaneSpec(name="approving", registration="approve")
TOKENS: Final = PlaneSpec(name="tokens", registration="token")
