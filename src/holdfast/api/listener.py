"""A listening socket, or a sentence why there is none."""

import errno
import socket

from holdfast.faults import Problem, Refused


class CannotListen(Refused):
    """The address and port cannot be listened on: CFG-PORT-IN-USE or CFG-ADDRESS."""


def listen(host: str, port: int, *, purpose: str, option: str) -> socket.socket:
    """A bound TCP socket on the first address of `host`. `option` is the setting that chooses the port.

    Raises:
        CannotListen: the port is taken or reserved, or the address is not of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise cannot_listen(error, host, port, purpose=purpose, option=option) from error
    try:
        # A port in TIME_WAIT is free for us: a restart must not have to wait a minute.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise cannot_listen(error, host, port, purpose=purpose, option=option) from error
    return listener


def cannot_listen(error: OSError, host: str, port: int, *, purpose: str, option: str) -> CannotListen:
    """What a failed bind means, and what to do."""
    what = f"the {purpose} cannot listen on {host} port {port}"
    if error.errno == errno.EADDRINUSE:
        return _problem(
            "CFG-PORT-IN-USE",
            what=what,
            why="another program already listens there",
            fix=f"Stop that program (`ss -ltnp 'sport = :{port}'` names it) or choose another port with {option}",
        )
    if error.errno == errno.EACCES:
        return _problem(
            "CFG-ADDRESS",
            what=what,
            why="this user may not listen on ports below 1024",
            fix=f"Choose a port from 1024 with {option}",
        )
    return _problem(
        "CFG-ADDRESS",
        what=what,
        why=f"{host} is no address of this machine ({error.strerror or error})",
        fix="Choose 127.0.0.1, 0.0.0.0 or an address of this machine with --host",
    )


def _problem(code: str, *, what: str, why: str, fix: str) -> CannotListen:
    return CannotListen(Problem(code=code, what=what, why=why, fix=fix))
