"""The other usual ports of the gateway's host: what a refusal on one port means shows on the others."""

import asyncio
from typing import Final

import msgspec

from holdfast.doctor.case import Address, Case
from holdfast.doctor.httpanswer import Answer, NotHttpError, read_answer

_LOOK_S: Final = 1.5


class _Health(msgspec.Struct, frozen=True):
    service: str = ""


class Neighbour(msgspec.Struct, frozen=True, kw_only=True):
    """One port of the gateway's host. `service` is what it calls itself on its health page."""

    port: int
    said: str
    is_up: bool
    service: str = ""


async def look_around(case: Case, address: Address) -> list[Neighbour]:
    """Try the ports of gateway, Actions API and web server on `address`, all at once."""
    places = case.surroundings
    ports = dict.fromkeys((places.gateway_port, places.api_port, *places.web_ports))
    ports.pop(case.target.port, None)
    limit_s = min(_LOOK_S, case.timeout_s)
    return list(await asyncio.gather(*(_look(address, port, limit_s=limit_s) for port in ports)))


async def _look(address: Address, port: int, *, limit_s: float) -> Neighbour:
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(address.ip, port, family=address.family)
    except TimeoutError:
        return Neighbour(port=port, said="no answer", is_up=False)
    except OSError:
        return Neighbour(port=port, said="closed", is_up=False)
    writer.transport.abort()
    service = await service_at(address.ip, port, limit_s=limit_s)
    return Neighbour(port=port, said=f"open: {service}" if service else "open", is_up=True, service=service)


async def service_at(host: str, port: int, *, limit_s: float) -> str:
    """What a Holdfast service in plain HTTP on this port calls itself; nothing for anybody else."""
    for path in ("/health", "/healthz"):
        try:
            answer = await fetch(host, port, path, limit_s=limit_s)
        except (OSError, TimeoutError, NotHttpError):
            return ""
        if service := service_of(answer):
            return service
    return ""


def service_of(answer: Answer) -> str:
    """The service that a health page names."""
    try:
        return msgspec.json.decode(answer.body, type=_Health).service if answer.status in (200, 503) else ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""


async def fetch(host: str, port: int, path: str, *, limit_s: float, header: str = "") -> Answer:
    """GET in plain HTTP, past every proxy.

    Raises:
        OSError: no connection, no answer in time, or none in HTTP.
    """
    async with asyncio.timeout(limit_s):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n{header}Connection: close\r\n\r\n".encode())
            await writer.drain()
            return await read_answer(reader, "GET")
        finally:
            writer.transport.abort()
