"""What this host's own files say about names: the resolvers it asks, and the names it pins."""

import ipaddress
from pathlib import Path

import msgspec


class Resolvers(msgspec.Struct, frozen=True, kw_only=True):
    """`/etc/resolv.conf`, as resolv.conf(5) has it. Without a server the library asks this host itself."""

    servers: tuple[str, ...] = ("127.0.0.1",)
    search: tuple[str, ...] = ()
    ndots: int = 1

    def names_for(self, name: str) -> tuple[str, ...]:
        """The full names that are asked for `name`, in their order."""
        if name.endswith("."):
            return (name,)
        searched = tuple(f"{name}.{domain}" for domain in self.search)
        return (name, *searched) if name.count(".") >= self.ndots else (*searched, name)


def read_resolvers(path: Path) -> Resolvers:
    """The settings in `path`; the library's defaults where there is none."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    ndots = 1
    for words in _lines(path):
        match words:
            case ["nameserver", server, *_] if len(servers) < 3:  # the library reads no more than three
                servers.append(server)
            case ["search" | "domain", *domains]:
                search = tuple(domains)
            case ["options", *options]:
                ndots = next((int(o[6:]) for o in options if o.startswith("ndots:") and o[6:].isdigit()), ndots)
    return Resolvers(servers=tuple(servers) or ("127.0.0.1",), search=search, ndots=ndots)


def pinned_addresses(path: Path, name: str) -> tuple[str, ...]:
    """The addresses that the hosts file `path` gives for `name`."""
    wanted = name.rstrip(".").lower()
    found = [words[0] for words in _lines(path) if wanted in (word.lower() for word in words[1:])]
    return tuple(address for address in found if _is_address(address))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return True


def _lines(path: Path) -> list[list[str]]:
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        return []
    stripped = (line.partition("#")[0].split() for line in text.splitlines() if not line.startswith(";"))
    return [words for words in stripped if words]
