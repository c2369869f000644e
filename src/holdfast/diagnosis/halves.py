"""What each side knew of one connection: the doctor's report and the gateway's ledger, read for `joining`. Pure."""

from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from typing import Final

from holdfast.faults import CATALOGUE, Problem, Severity, printable, problem
from holdfast.model import Attempt, Step, TimelineEntry
from holdfast.model.joined import Checked, DoctorCheck, DoctorReport, GatewayHalf
from holdfast.protocol.times import rfc3339_millis

DOCTOR_AGENT: Final = "holdfast-doctor/"
DOCTOR_NAME: Final = "doctor-"
EARLY_S: Final = 1.0  # `Date` has whole seconds, so the offset between the clocks is that exact
LATE_S: Final = 3.0
OLD_S: Final = 3600.0
REACHED: Final = {step: place for place, step in enumerate(Step)}
# What the doctor does on purpose: plain requests, and an echo on a channel that is nobody's.
ITS_OWN_DOING: Final = frozenset(
    {
        "WS-PLAIN-HTTP", "WS-METHOD", "MSG-BEFORE-REGISTERED", "LIFE-SILENT", "LIFE-CLOSED-1000", "LIFE-NO-CLOSE-FRAME",
        "REG-NEVER-COMPLETED", "REG-INIT-MISSING",
    }
)  # fmt: skip


class Halves:
    """One report and one ledger, on the gateway's clock."""

    def __init__(self, report: DoctorReport, half: GatewayHalf) -> None:
        self.report = report
        self.half = half

    # ---- the agent's side

    @cached_property
    def failed(self) -> DoctorCheck | None:
        """The first check that failed."""
        return next((check for check in self.report.checks if check.status is Checked.FAIL and check.problem), None)

    @property
    def doctor_says(self) -> Problem | None:
        """What keeps an agent of that host from working, in the doctor's eyes. A warning keeps nobody from it."""
        return self.failed.problem if self.failed is not None else None

    def check(self, name: str) -> DoctorCheck | None:
        """The doctor's line of this name."""
        return next((check for check in self.report.checks if check.name == name), None)

    def fact(self, check: str, name: str) -> str | None:
        """A text from the evidence of a check."""
        found = self.check(check)
        value = found.evidence.get(name) if found is not None else None
        return value if isinstance(value, str) and value else None

    @property
    def sent_nothing(self) -> bool:
        """Whether the doctor never had a connection to send by: no byte at a gateway can be its own."""
        dialled = {check.status for check in self.report.checks if check.name == "tcp"}
        return bool(dialled) and dialled <= {Checked.FAIL, Checked.SKIP}

    @property
    def host_id(self) -> str | None:
        """The host_id that the doctor spoke for."""
        return self.fact("key", "host_id")

    @cached_property
    def began_at(self) -> float | None:
        """When the examination began, on the gateway's clock; None where the report's time cannot be read."""
        try:
            begun = datetime.fromisoformat(self.report.started_at)
        except ValueError:
            return None
        if begun.tzinfo is None:
            return None
        clock = self.check("clock")
        offset = clock.evidence.get("offset_s") if clock is not None else None
        return begun.timestamp() - (float(offset) if isinstance(offset, int | float) else 0.0)

    @property
    def ended_at(self) -> float | None:
        """When the examination was over."""
        return None if self.began_at is None else self.began_at + self.report.took_ms / 1000

    @property
    def is_old(self) -> bool:
        """Whether the ledger may have forgotten by now what the report speaks of."""
        return self.ended_at is None or self.half.now - self.ended_at > OLD_S

    # ---- the gateway's side

    @cached_property
    def during(self) -> tuple[Attempt, ...]:
        """The doctor's own connections, the newest first, by its User-Agent; without one, by address and time."""
        if self.began_at is None or self.ended_at is None:
            return ()
        since, until = self.began_at - EARLY_S, self.ended_at + LATE_S
        seen: dict[str, Attempt] = {}
        for attempt in self.half.latest:
            if is_doctors(attempt):
                seen.setdefault(attempt.attempt, attempt)
        for attempt in self.half.theirs:
            if is_doctors(attempt) or attempt.user_agent is None:
                seen.setdefault(attempt.attempt, attempt)
        farthest = Step.TCP if self.sent_nothing else Step.FIRST_HEARTBEAT
        return tuple(
            attempt
            for attempt in seen.values()
            if since <= attempt.started_at <= until and REACHED[attempt.step] <= REACHED[farthest]
        )

    @cached_property
    def attempt(self) -> Attempt | None:
        """The gateway's half: the attempt that was named, else the one of this examination that came farthest."""
        if self.half.attempt is not None:
            return self.half.attempt
        says = self.doctor_says
        wanted = says.code if says is not None else ""
        return max(
            (attempt for attempt in self.during if not is_probe(attempt)),
            key=lambda attempt: (wanted in attempt.codes, REACHED[attempt.step], attempt.started_at),
            default=None,
        )

    @property
    def is_found(self) -> bool:
        """Whether the half was found by time and address: nobody could name it."""
        return self.attempt is not None and self.half.attempt is None

    @property
    def is_the_doctors(self) -> bool:
        """Whether the half is a connection of this doctor, and not one of the agent's own."""
        attempt = self.attempt
        return attempt is not None and (attempt.attempt == self.report.attempt or attempt in self.during)

    @property
    def gateway_says(self) -> Problem | None:
        """What was wrong on that connection in the gateway's eyes."""
        attempt = self.attempt
        if attempt is None:
            return None
        known = [code for code in attempt.codes if code in CATALOGUE and CATALOGUE[code].severity is not Severity.INFO]
        if self.is_the_doctors:
            known = [code for code in known if code not in ITS_OWN_DOING]
        return None if not known else self._told(known, attempt.timeline)

    def _told(self, codes: list[str], timeline: Iterable[TimelineEntry]) -> Problem:
        """The first of them in the words of the timeline; the doctor heard the fix for this very case, if it heard."""
        code = codes[0]
        fact = next((entry.fact for entry in timeline if entry.code == code and entry.fact), None)
        heard = [check.problem for check in self.report.checks if check.problem and check.problem.code == code]
        return problem(code, why=fact, fix=heard[0].fix if heard else None)

    @cached_property
    def names(self) -> frozenset[str]:
        """What this host may be called here: a doctor without the agent's key calls itself `doctor-` and the host."""
        return frozenset() if self.host_id is None else frozenset({self.host_id, agents_name(self.host_id)})

    @property
    def who(self) -> str:
        """Whom it is about, for a sentence."""
        return printable(agents_name(self.host_id), 80) if self.host_id else "this host"

    def silence(self) -> str:
        """The negative proof: since when nothing came, and how far the last attempt got."""
        own = {attempt.attempt for attempt in self.during}
        until = self.began_at or self.half.now
        earlier = [a for a in self.half.theirs if a.attempt not in own and a.started_at <= until]
        last = next((a for a in earlier if a.claimed_host_id in self.names), None)
        if last is not None:
            return f"no byte of {self.who} has reached this gateway since {_how_far(last)}"
        if not earlier:
            return f"no byte of {self.who} is recorded at this gateway"
        by = f"; from its address the last came from {printable(earlier[0].claimed_host_id or 'somebody unnamed')}"
        return f"no byte of {self.who} is recorded at this gateway{by} at {_how_far(earlier[0])}"

    def others(self) -> Attempt | None:
        """Somebody else's connection from the examination on: proof that this gateway takes connections."""
        if self.began_at is None:
            return None
        mine = {attempt.attempt for attempt in (*self.during, *self.half.theirs)}
        return next(
            (a for a in self.half.latest if a.attempt not in mine and a.started_at >= self.began_at - EARLY_S), None
        )


def _how_far(last: Attempt) -> str:
    heard_at = max([last.started_at, *(entry.at for entry in last.timeline)])
    how = f"ended by {last.ended_how}" if last.ended_how else "is still open"
    codes = f" ({' '.join(last.codes)})" if last.codes else ""
    return f"{rfc3339_millis(heard_at)}; that attempt, {last.attempt}, got as far as {last.step.value} and {how}{codes}"


def agents_name(host_id: str) -> str:
    """The agent's own host_id, as far as a doctor that speaks under a name of its own lets on."""
    return host_id.removeprefix(DOCTOR_NAME)


def is_doctors(attempt: Attempt) -> bool:
    """Whether a doctor made this connection."""
    return (attempt.user_agent or "").startswith(DOCTOR_AGENT)


def is_probe(attempt: Attempt) -> bool:
    """Whether it is a plain request of the doctor's, which never wanted to be a WebSocket."""
    return bool(attempt.codes) and set(attempt.codes) <= {"WS-PLAIN-HTTP", "WS-METHOD"}
