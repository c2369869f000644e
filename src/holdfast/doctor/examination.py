"""The examination: every check in the order of an agent's way in, each skipped only where what it needs has failed."""

import time
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import msgspec

from holdfast.doctor import (
    clocks,
    conversation,
    identity,
    listing,
    names,
    pages,
    proxies,
    quiet,
    reach,
    roundtrips,
    tls,
    upgrade,
)
from holdfast.doctor.case import Case
from holdfast.doctor.options import Options, Surroundings
from holdfast.doctor.report import BLOCKED_BY, Check, Report, Status, failed, is_blocking, passed, skipped, verdict
from holdfast.doctor.target import read_url, shown_url
from holdfast.faults.problem import Problem
from holdfast.protocol.limits import PATH
from holdfast.protocol.times import rfc3339_millis


class Step(NamedTuple):
    """`needs` names the steps without which this one cannot be looked at."""

    name: str
    title: str
    needs: tuple[str, ...]
    look: Callable[[Case], Awaitable[list[Check]]]


class Watcher:
    """Whoever wants to see the examination going on; the methods are called from the event loop."""

    def on_begin(self, title: str) -> None:
        """A step begins."""

    def on_check(self, check: Check) -> None:
        """A line is final."""


async def _read_url(case: Case) -> list[Check]:
    found = read_url(case.options.url)
    if isinstance(found, Problem):
        return [failed("url", found)]
    case.target = found
    return [passed("url", f"{found.url} can be dialled")]


STEPS: Final = (
    Step("url", "reading the URL", (), _read_url),
    Step("proxy-settings", "reading the proxy settings", ("url",), proxies.read_environment),
    Step("name", "resolving the name", ("url",), names.resolve_name),
    Step("tcp", "connecting", ("name",), reach.reach),
    Step("proxy", "asking the proxy", ("proxy-settings",), proxies.try_proxy),
    Step("tls", "the TLS handshake", ("tcp", "proxy"), tls.secure),
    Step("health", "asking for /health", ("tls",), pages.ask_health),
    Step("path", f"asking for {PATH}", ("health",), pages.ask_path),
    Step("upgrade", "upgrading to WebSocket", ("tls",), upgrade.try_upgrade),
    Step("key", "reading the key", ("url",), identity.choose_identity),
    Step("websocket", "dialling as the agent does", ("upgrade", "key"), conversation.dial),
    Step("init", "beginning a registration", ("websocket",), conversation.ask_challenge),
    Step("signature", "signing", ("init",), conversation.sign),
    Step("registration", "completing the registration", ("signature",), conversation.register),
    Step("heartbeat", "sending a heartbeat", ("registration",), conversation.beat),
    Step("clock", "comparing clocks", ("url",), clocks.compare),
    Step("round-trips", "measuring round trips", ("upgrade",), roundtrips.measure),
    Step("sizes", "sending messages of growing size", ("upgrade",), quiet.try_sizes),
    Step("idle", "holding a connection", ("upgrade",), quiet.hold),
    Step("agents", "asking the Actions API", ("url",), listing.ask_agents),
)


async def examine(options: Options, surroundings: Surroundings | None = None, watcher: Watcher | None = None) -> Report:
    """Look at everything between this host and the gateway of `options.url`. What breaks in a check is told there."""
    case = Case(options, surroundings or Surroundings())
    watching = watcher or Watcher()
    started_at, begun = time.time(), time.perf_counter()
    checks: list[Check] = []
    blocked: dict[str, str] = {}  # a step, and the check that failed beneath it
    try:
        for step in STEPS:
            for check in await _take(step, case, blocked, watching):
                checks.append(check)
                watching.on_check(check)
    finally:
        if case.talk is not None:
            await case.talk.close()
    return Report(
        url=case.target.url if not blocked.get("url") else shown_url(options.url),
        started_at=rfc3339_millis(started_at),
        ok=not is_blocking(checks),
        broken=bool(case.broken),
        verdict=verdict(checks),
        attempt=case.attempt,
        checks=tuple(checks),
        took_ms=round((time.perf_counter() - begun) * 1000, 1),
    )


async def _take(step: Step, case: Case, blocked: dict[str, str], watching: Watcher) -> list[Check]:
    cause = next((blocked[need] for need in step.needs if need in blocked), None)
    if cause is not None:
        blocked[step.name] = cause
        return [skipped(step.name, f"{cause} failed", {BLOCKED_BY: cause})]
    watching.on_begin(step.title)
    begun = time.perf_counter()
    try:
        found = await step.look(case)
    except Exception as error:  # noqa: BLE001  one broken check must not take what the others found with it
        case.broken = blocked[step.name] = step.name
        return [skipped(step.name, f"the doctor itself failed here: {type(error).__name__}: {error}")]
    took_ms = round((time.perf_counter() - begun) * 1000, 1)
    wrong = next((check for check in found if check.status is Status.FAIL), None)
    if wrong is not None:
        blocked[step.name] = wrong.title
    return [check if check.took_ms else msgspec.structs.replace(check, took_ms=took_ms) for check in found]
