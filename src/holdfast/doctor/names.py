"""Name resolution: as the agent does it, and each configured resolver by itself."""

import asyncio
import socket
import time
from collections.abc import Sequence

import msgspec

from holdfast.doctor.case import Address, Case
from holdfast.doctor.dns import AAAA, DEAD, A, Reply, Said, ask_server
from holdfast.doctor.hostfiles import Resolvers, pinned_addresses, read_resolvers
from holdfast.doctor.report import Check, Fact, failed, passed, warned
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What one resolver said about the gateway's name: the most telling of its replies."""

    server: str
    reply: Reply
    name: str
    by_tcp: Reply | None = None  # asked only where UDP stayed unanswered

    @property
    def is_dead(self) -> bool:
        return self.reply.said in DEAD


async def resolve_name(case: Case) -> list[Check]:
    """The lines `resolver …` and `name`; stores the addresses in the order in which the agent tries them."""
    target = case.target
    if target.is_address:
        family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
        case.addresses = [Address(family, target.host)]
        return [passed("name", "the URL holds an address, there is no name to resolve")]
    surroundings = case.surroundings
    pinned = pinned_addresses(surroundings.hosts, target.host)
    asked: list[Asked] = []
    if target.host.rstrip(".").split(".")[-1] != "localhost":
        asked = await ask_each(case, read_resolvers(surroundings.resolv_conf))
    begun = time.perf_counter()
    error = await _resolve(case)
    took_ms = round((time.perf_counter() - begun) * 1000, 1)
    found = _name_check(case, error, asked, pinned)
    lines = [_resolver_check(one, needed=found.problem is not None) for one in asked]
    return [*lines, msgspec.structs.replace(found, took_ms=took_ms)]


async def _resolve(case: Case) -> OSError | None:
    host, resolve = case.target.host, case.surroundings.resolve
    try:
        async with asyncio.timeout(case.timeout_s * 2):
            found = await (resolve(host) if resolve is not None else _by_system(host))
    except OSError as error:
        return error
    case.addresses = [Address(family, ip) for family, ip in dict.fromkeys(found)]
    return None


async def _by_system(host: str) -> list[tuple[int, str]]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [(family, str(place[0])) for family, _, _, _, place in found]


async def ask_each(case: Case, resolvers: Resolvers) -> list[Asked]:
    """Every configured resolver, all at once."""
    names = resolvers.names_for(case.target.host)
    return list(await asyncio.gather(*(_ask_one(case, server, names) for server in resolvers.servers)))


async def _ask_one(case: Case, server: str, names: Sequence[str]) -> Asked:
    port, timeout_s = case.surroundings.dns_port, case.timeout_s
    replies: list[tuple[str, Reply]] = []
    for name in names:
        four, six = await asyncio.gather(
            *(ask_server(server, name, kind, port=port, timeout_s=timeout_s) for kind in (A, AAAA))
        )
        merged = _merge(four, six)
        replies.append((name, merged))
        if merged.said is Said.ANSWERED or merged.said in DEAD:
            break
    name, best = replies[-1]
    by_tcp = None
    if best.said in DEAD:
        by_tcp = await ask_server(server, name, A, port=port, timeout_s=timeout_s, tcp=True)
    return Asked(server=server, reply=best, name=name, by_tcp=by_tcp)


def _merge(four: Reply, six: Reply) -> Reply:
    addresses = six.addresses + four.addresses
    if addresses:
        ttls = [reply.ttl_s for reply in (four, six) if reply.ttl_s is not None]
        took_ms = max(four.took_ms, six.took_ms)
        return Reply(said=Said.ANSWERED, addresses=addresses, ttl_s=min(ttls), took_ms=took_ms)
    return four if four.said is not Said.EMPTY else six if six.said is Said.SILENT else four


def _resolver_check(asked: Asked, *, needed: bool) -> Check:
    reply, title = asked.reply, f"resolver {asked.server}"
    evidence: dict[str, Fact] = {"asked_for": asked.name, "said": reply.said.value}
    if reply.addresses:
        evidence |= {"addresses": " ".join(reply.addresses), "ttl_s": reply.ttl_s}
    if asked.is_dead:
        tcp = asked.by_tcp
        over_tcp = tcp is not None and tcp.said not in DEAD
        why = f"{asked.server} does not answer over UDP ({reply.said.value} after {reply.took_ms:.0f} ms)" + (
            "; over TCP it does, so UDP port 53 is filtered" if over_tcp else ", nor over TCP"
        )
        fix = f"Remove nameserver {asked.server} from resolv.conf, or bring it back"
        dead = problem("NET-DNS-TIMEOUT", what="a configured resolver is dead", why=why, fix=fix)
        check = warned("resolver", dead, evidence, title=title)
    else:
        ttl = f", good for {reply.ttl_s} s" if reply.ttl_s is not None else ""
        check = passed("resolver", f"{reply.said.value}{ttl}", evidence, title=title)
        if needed and reply.said is Said.FAILED:
            why = f"{asked.server} says that it cannot answer (SERVFAIL or REFUSED)"
            check = warned("resolver", problem("NET-DNS-TIMEOUT", why=why), evidence, title=title)
    return msgspec.structs.replace(check, took_ms=reply.took_ms)


def _name_check(case: Case, error: OSError | None, asked: Sequence[Asked], pinned: Sequence[str]) -> Check:
    host = printable(case.target.host)
    evidence: dict[str, Fact] = {"hosts_file": " ".join(pinned) or None}
    if error is not None:
        found = name_problem(host, error, asked)
        if case.proxy is not None:
            why = f"{found.why}; the proxy resolves the name for the agent"
            return warned("name", msgspec.structs.replace(found, why=why), evidence)
        return failed("name", found, evidence)
    ips = [address.ip for address in case.addresses]
    evidence["addresses"] = " ".join(ips)
    told = {ip for one in asked for ip in one.reply.addresses}
    if pinned and told and not told & set(pinned):
        why = f"the hosts file pins {host} to {' '.join(pinned)}, the resolvers say {' '.join(sorted(told))}"
        stale = problem("NET-DNS-STALE", why=why, fix=f"Remove {host} from the hosts file unless it is meant to stand")
        return warned("name", stale, evidence)
    count = f"{len(ips)} addresses" if len(ips) > 1 else "1 address"
    return passed("name", f"{host} has {count}" + (", from the hosts file" if pinned else ""), evidence)


def name_problem(host: str, error: OSError, asked: Sequence[Asked]) -> Problem:
    """Why `host` has no address: what the resolvers say by themselves weighs more than the library's summary."""
    said = printable(getattr(error, "strerror", "") or str(error) or type(error).__name__, 120)
    dead = [one.server for one in asked if one.is_dead]
    denying = [one.server for one in asked if one.reply.said in (Said.NXDOMAIN, Said.EMPTY)]
    knowing = [one for one in asked if one.reply.said is Said.ANSWERED]
    if knowing:
        one = knowing[0]
        why = f"{host} is known to {one.server} ({' '.join(one.reply.addresses)}) and the system still says: {said}"
        if denying:
            why += f"; {denying[0]}, which is asked as well, denies it"
            return problem("NET-DNS-NXDOMAIN", why=why, fix=f"Put {one.server} first in resolv.conf")
        return problem("NET-DNS-TIMEOUT", why=why + (f"; {', '.join(dead)} does not answer" if dead else ""))
    if denying:
        why = f"{', '.join(denying)} says that {host} does not exist"
        return problem("NET-DNS-NXDOMAIN", why=why, evidence={"said": said})
    if dead:
        why = f"none of the configured resolvers answers: {', '.join(dead)}"
        fix = "Correct the nameserver lines of resolv.conf, or bring up the network that they are in"
        return problem("NET-DNS-TIMEOUT", why=why, fix=fix, evidence={"said": said})
    is_no = isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, -5)  # -5: no address (glibc)
    return problem(
        "NET-DNS-NXDOMAIN" if is_no else "NET-DNS-TIMEOUT",
        why=f"looking up {host} failed: {said}",
        evidence={"errno": getattr(error, "errno", None)},
    )
