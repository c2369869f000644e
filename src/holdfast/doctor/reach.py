"""TCP to every address of the gateway's name, each by itself, and what a refusal means on this host."""

import asyncio
import errno
import ipaddress
import os
import time
from pathlib import Path

import msgspec

from holdfast.agent.failures import BY_ERRNO
from holdfast.doctor.case import Address, Case
from holdfast.doctor.confinement import confinement
from holdfast.doctor.neighbours import Neighbour, look_around
from holdfast.doctor.report import Check, Fact, failed, passed, skipped, warned
from holdfast.faults.catalogue import fault, problem
from holdfast.faults.problem import Problem
from holdfast.protocol.limits import PATH


class Dialled(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt to connect. `error` None: it worked; `TimeoutError` without errno: nothing came back."""

    address: Address
    took_ms: float
    error: OSError | None = None


async def reach(case: Case) -> list[Check]:
    """One line `tcp address:port` for each address; the first that works is used from here on."""
    if not case.addresses:
        return [skipped("tcp", "the name has no address here")]
    dialled = await asyncio.gather(*(_dial(address, case) for address in case.addresses))
    case.reached = next((one.address for one in dialled if one.error is None), None)
    return [await _line(case, one, first=one is dialled[0]) for one in dialled]


async def _dial(address: Address, case: Case) -> Dialled:
    begun = time.perf_counter()
    error: OSError | None = None
    try:
        async with asyncio.timeout(case.timeout_s):
            _, writer = await asyncio.open_connection(address.ip, case.target.port, family=address.family)
        writer.transport.abort()
    except OSError as met:
        error = met
    return Dialled(address=address, took_ms=round((time.perf_counter() - begun) * 1000, 2), error=error)


async def _line(case: Case, dialled: Dialled, *, first: bool) -> Check:
    title = f"tcp {dialled.address.at(case.target.port)}"
    if dialled.error is None:
        check = passed("tcp", "connected", title=title)
        return msgspec.structs.replace(check, took_ms=dialled.took_ms)
    if case.reached is not None:
        check = _one_of_several(case, dialled, title, first=first)
    else:
        found, evidence = await _explain(case, dialled)
        if case.proxy is not None:
            why = f"{found.why}; the agent goes through the proxy instead"
            check = warned("tcp", msgspec.structs.replace(found, why=why), evidence, title=title)
        else:
            check = failed("tcp", found, evidence, title=title)
    return msgspec.structs.replace(check, took_ms=dialled.took_ms)


def _one_of_several(case: Case, dialled: Dialled, title: str, *, first: bool) -> Check:
    """An address that does not work beside one that does."""
    assert case.reached is not None
    plain = _by_error(dialled, case)
    if not (first and dialled.address.is_ipv6 and not case.reached.is_ipv6):
        return warned("tcp", plain, title=title)
    slow = plain.code == "NET-CONN-TIMEOUT"
    why = f"the name's first address is IPv6 and {plain.why}; {case.reached.at(case.target.port)} works"
    found = problem("NET-IPV6-FIRST", why=why, evidence=plain.evidence)
    # A refusal costs nothing: the next address is tried at once. Silence eats the agent's whole patience.
    return failed("tcp", found, title=title) if slow else warned("tcp", found, title=title)


def _by_error(dialled: Dialled, case: Case) -> Problem:
    place, error = dialled.address.at(case.target.port), dialled.error
    assert error is not None
    if isinstance(error, TimeoutError) and error.errno is None:
        why = f"{place} did not answer within {case.timeout_s:g} s: neither accepted nor refused"
        return problem("NET-CONN-TIMEOUT", why=why, evidence={"waited_s": case.timeout_s})
    number = error.errno or 0
    name = errno.errorcode.get(number, "")
    why = f"{place}: {os.strerror(number) if number else error}"
    return problem(BY_ERRNO.get(number, "NET-UNREACHABLE"), why=why, evidence={"errno": number, "error": name})


async def _explain(case: Case, dialled: Dialled) -> tuple[Problem, dict[str, Fact]]:
    found = _by_error(dialled, case)
    if found.code == "NET-UNREACHABLE":
        return found, {"default_route": has_default_route(case.surroundings.root)}
    if found.code not in ("NET-CONN-REFUSED", "NET-CONN-TIMEOUT"):
        return found, {}
    around = await look_around(case, dialled.address)
    evidence: dict[str, Fact] = {f"port_{one.port}": one.said for one in around}
    if found.code == "NET-CONN-TIMEOUT":
        alive = [str(one.port) for one in around if one.is_up]
        other = f"; port {', '.join(alive)} of the same host answers" if alive else "; no other port answers either"
        return msgspec.structs.replace(found, why=found.why + other), evidence
    inside = confinement(case.surroundings)
    if inside and _is_loopback(dialled.address.ip) and not any(one.service for one in around):
        why = (
            f"{dialled.address.at(case.target.port)} is in this container itself ({inside}), and nothing listens there"
        )
        fix = f"{fault('NET-CONTAINER-LOCALHOST').fix}; if the gateway is to run in here, start it"
        return problem("NET-CONTAINER-LOCALHOST", why=why, fix=fix, evidence=found.evidence), evidence | {
            "inside": inside
        }
    return _elsewhere(case, found, around), evidence


def _elsewhere(case: Case, found: Problem, around: list[Neighbour]) -> Problem:
    """A refusal, with what was found on other ports of the same host."""
    gateway = next((one for one in around if one.service == "websocket-gateway"), None)
    api = next((one for one in around if one.service == "actions-api"), None)
    if gateway is not None:
        scheme = "wss" if case.target.secure else "ws"
        fix = f"Use {scheme}://{case.target.host}:{gateway.port}{PATH}"
        return problem(found.code, why=f"{found.why}; the gateway answers on port {gateway.port}", fix=fix)
    if api is not None:
        why = f"{found.why}, while the Actions API answers on port {api.port}: the host is right, the gateway is down"
        return problem("SRV-GATEWAY-DOWN", why=why)
    return found


def _is_loopback(ip: str) -> bool:
    return ipaddress.ip_address(ip.partition("%")[0]).is_loopback


def has_default_route(root: Path) -> bool | None:
    """Whether this host has a way to everywhere, in either family; None where the kernel does not tell."""
    zeros = "0" * 32
    try:
        four = (root / "proc/net/route").read_text("ascii", "replace").splitlines()[1:]
    except OSError:
        return None
    try:
        six = (root / "proc/net/ipv6_route").read_text("ascii", "replace").splitlines()
    except OSError:
        six = []
    by_four = any(words[1] == words[7] == "00000000" for words in map(str.split, four) if len(words) > 7)
    return by_four or any(words[:2] == [zeros, "00"] and words[-1] != "lo" for words in map(str.split, six))
