"""Forward proxies: which one the environment puts in the agent's way, where that setting comes from, and whether it
lets the agent through."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from websockets.exceptions import InvalidProxy
from websockets.proxy import Proxy, parse_proxy

from holdfast.agent.http_answers import proxy_problem
from holdfast.doctor.case import Case
from holdfast.doctor.httpanswer import Answer
from holdfast.doctor.options import Surroundings
from holdfast.doctor.report import Check, Fact, failed, passed, skipped
from holdfast.doctor.target import Target, shown_url
from holdfast.doctor.wire import ProxyRefusedError, through, words
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable

# The order of the agent's library (websockets.proxy.get_proxy); ALL_PROXY is not among what it reads.
_SCHEMES: Final = {True: ("wss", "socks", "https"), False: ("ws", "socks", "https", "http")}
_SHOWN: Final = ("HTTP_PROXY", "HTTPS_PROXY", "WS_PROXY", "WSS_PROXY", "SOCKS_PROXY", "ALL_PROXY", "NO_PROXY")
_FILES: Final = ("etc/environment", "etc/profile", "etc/bash.bashrc", "etc/systemd/system.conf", "etc/default/holdfast")


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A proxy that applies: the variable, its value, and where it was found to be set."""

    variable: str
    value: str
    source: str


def applying(target: Target, surroundings: Surroundings) -> Setting | None:
    """The proxy that the agent would use for `target`, as its library decides it."""
    environ = surroundings.environ
    proxies: dict[str, tuple[str, str]] = {}
    # Lower case wins over upper case, and an empty lower-case value takes a setting back (urllib.request).
    for name in sorted(environ, key=str.islower):
        if name.lower().endswith("_proxy"):
            proxies[name.lower()[: -len("_proxy")]] = (name, environ[name])
    bare = {scheme: value for scheme, (_, value) in proxies.items() if value}
    if is_exempt(target, bare.get("no", "")):
        return None
    for scheme in _SCHEMES[target.secure]:
        if bare.get(scheme):
            variable, value = proxies[scheme]
            value = f"socks5h://{value[7:]}" if scheme == "socks" and value.startswith("http://") else value
            return Setting(variable=variable, value=value, source=_source(variable, surroundings.root))
    return None


def is_exempt(target: Target, no_proxy: str) -> bool:
    """Whether NO_PROXY takes this gateway out, by the rules of the agent's library (urllib.request)."""
    if no_proxy == "*":
        return True
    host, place = target.host.lower(), f"{target.host}:{target.port}".lower()
    for entry in (part.strip().lstrip(".").lower() for part in no_proxy.split(",")):
        if entry and (entry in (host, place) or host.endswith(f".{entry}") or place.endswith(f".{entry}")):
            return True
    return False


def _source(variable: str, root: Path) -> str:
    """Where the variable is set for everybody; else it came from the shell or the service that started this."""
    pattern = re.compile(rf"(?:^|[\s\"']){re.escape(variable)}\s*=", re.MULTILINE)
    places = [root / name for name in _FILES]
    places += sorted((root / "etc/profile.d").glob("*.sh"))
    for place in places:
        try:
            if pattern.search(place.read_text("utf-8", "replace")):
                return f"set in /{place.relative_to(root)}"
        except OSError:
            continue
    return "inherited from the shell or the service manager"


async def read_environment(case: Case) -> list[Check]:
    """The line `proxy settings`: what the environment says and whether it applies to this URL."""
    shown = shown_settings(case.surroundings.environ)
    setting = applying(case.target, case.surroundings)
    if setting is None:
        because = "no proxy applies to this URL" if shown else "no proxy is set"
        return [passed("proxy-settings", because, shown, title="proxy settings")]
    try:
        case.proxy = parse_proxy(setting.value)
    except (InvalidProxy, ValueError) as error:
        why = f"{setting.variable} ({setting.source}) cannot be read: {printable(str(error), 120)}"
        return [failed("proxy-settings", problem("PXY-ENV-PROXY", why=why), shown, title="proxy settings")]
    because = f"{setting.variable} applies: the agent goes through {shown_url(setting.value)} ({setting.source})"
    return [passed("proxy-settings", because, shown, title="proxy settings")]


def shown_settings(environ: Mapping[str, str]) -> dict[str, Fact]:
    """The variables about proxies, without credentials."""
    named = {name: value for name, value in environ.items() if name.upper() in _SHOWN}
    return {name: value if name.upper() == "NO_PROXY" else shown_url(value) for name, value in named.items()}


async def try_proxy(case: Case) -> list[Check]:
    """The line `proxy`: a CONNECT through the proxy that applies."""
    proxy = case.proxy
    if proxy is None:
        return [skipped("proxy", "no proxy applies")]
    title = f"proxy {proxy.host}:{proxy.port}"
    if proxy.scheme not in ("http", "https"):
        # The agent needs python-socks for these; what it would do there cannot be seen from here.
        case.proxy = None
        return [skipped("proxy", f"it is a SOCKS proxy ({proxy.scheme}); what follows goes direct", title=title)]
    try:
        async with asyncio.timeout(case.timeout_s):
            await (await through(proxy, case.target)).close()
    except ProxyRefusedError as refused:
        return [failed("proxy", await _refusal(case, proxy, refused.answer), title=title)]
    except (OSError, ssl.SSLError) as error:
        said = words(error, limit_s=case.timeout_s)
        why = f"the proxy {proxy.host}:{proxy.port} cannot be used: {said}; {_directly(case)}"
        return [failed("proxy", problem("PXY-ENV-PROXY", why=why, fix=_fix(case)), title=title)]
    return [passed("proxy", f"CONNECT {case.target.authority} is granted", title=title)]


async def _refusal(case: Case, proxy: Proxy, answer: Answer) -> Problem:
    found = proxy_problem(answer.status, answer.headers, target=case.target.authority)
    evidence: dict[str, Fact] = {**found.evidence, "proxy_says": answer.title or None}
    why = f"{found.why}; {_directly(case)}"
    if found.code == "PXY-AUTH-407":
        evidence["scheme"] = printable(answer.headers.get("proxy-authenticate", "none named"), 80)
    elif found.code == "PXY-CONNECT-DENIED" and case.target.port != 443:
        evidence["port_443"] = await _port_443(case, proxy)
    elif found.code == "PXY-ENV-PROXY":
        return problem(found.code, why=why, fix=_fix(case), evidence=evidence)
    return problem(found.code, why=why, evidence=evidence)


async def _port_443(case: Case, proxy: Proxy) -> str:
    """What the same proxy says to the port that proxies usually allow."""
    try:
        async with asyncio.timeout(case.timeout_s):
            await (await through(proxy, msgspec.structs.replace(case.target, port=443))).close()
    except ProxyRefusedError as refused:
        return f"refused with {refused.answer.status}"
    except (OSError, ssl.SSLError):
        return "no answer"
    return "granted"


def _directly(case: Case) -> str:
    return "the gateway can be reached directly" if case.reached is not None else "directly it cannot be reached either"


def _fix(case: Case) -> str | None:
    return f"Add {case.target.host} to NO_PROXY in the service's environment" if case.reached is not None else None
