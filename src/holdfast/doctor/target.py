"""Reading the URL that an agent was given."""

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

from holdfast.agent.failures import WRAPPED, url_problem
from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable
from holdfast.protocol.limits import PATH


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent dials. `path` is with its query, as it goes into the request line."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def is_address(self) -> bool:
        """Whether the host is an IP address, so that no name is to be resolved."""
        try:
            ipaddress.ip_address(self.host)
        except ValueError:
            return False
        return True

    @property
    def authority(self) -> str:
        """`host:port` with the brackets of IPv6."""
        return join(self.host, self.port)

    @property
    def url_host(self) -> str:
        """The host as it stands in a URL: an IPv6 address in brackets."""
        return f"[{self.host}]" if ":" in self.host else self.host

    @property
    def host_header(self) -> str:
        """The Host header: without the port where it is the scheme's own (RFC 9110, 7.2)."""
        if self.port == (443 if self.secure else 80):
            return self.authority.removesuffix(f":{self.port}")
        return self.authority

    @property
    def url(self) -> str:
        """The URL without user, password and query: fit to be shown."""
        return f"{'wss' if self.secure else 'ws'}://{self.authority}{self.path.partition('?')[0]}"


def join(host: str, port: int) -> str:
    """`host:port`, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_url(text: str) -> Target | Problem:
    """What `text` tells an agent to dial, or why no WebSocket client takes it."""
    bare = WRAPPED.sub("", text)
    if bare != text:
        why = "the URL has quotes or white space around it, which a shell or a settings file left there"
        return problem("WS-WRONG-SCHEME", what="the agent's URL cannot be read", why=why, fix=f"Use {shown_url(bare)}")
    if re.search(r"[\s\x00-\x1f]", text):
        why = "the URL has a space or a line break inside"
        return problem("WS-WRONG-SCHEME", what="the agent's URL cannot be read", why=why, fix="Remove the white space")
    if "://" not in text:
        why = "the URL has no scheme: ws:// or wss:// has to stand in front"
        return problem("WS-WRONG-SCHEME", why=why, fix=f"Use {shown_url('ws://' + text)}")
    if found := url_problem(text):
        return found
    parts = urlsplit(text)
    path = parts.path if parts.path not in ("", "/") else PATH
    query = f"?{parts.query}" if parts.query else ""
    secure = parts.scheme == "wss"
    assert parts.hostname is not None
    port = parts.port or (443 if secure else 80)
    return Target(secure=secure, host=parts.hostname, port=port, path=path + query)


def shown_url(text: str) -> str:
    """`text` without what may be secret in a URL: user, password and query."""
    try:
        parts = urlsplit(text)
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "the configured URL"
    return printable(f"{parts.scheme}://{place}{parts.path}" if parts.scheme else place + parts.path, 200)
