"""What the gateway's port answers over HTTP."""

import json
from datetime import UTC, datetime
from importlib.metadata import version

import pytest

from tests.gateway.loopback import UPGRADE, Plane, http, peer, raw, request, upgraded

PLAIN = ("Host: gateway", "User-Agent: curl/8")


async def test_health_tells_how_the_gateway_is(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        status, headers, body = await http(running.port, "GET /health HTTP/1.1", *PLAIN)

    health = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert {name: health[name] for name in ("status", "service", "active_connections", "registered_agents")} == {
        "status": "healthy", "service": "websocket-gateway", "active_connections": 1, "registered_agents": 1,
    }  # fmt: skip
    assert abs((datetime.now(UTC) - datetime.fromisoformat(health["timestamp"])).total_seconds()) < 5
    assert 0 <= health["uptime"] < 60
    assert health["version"] == version("holdfast")


async def test_metrics_are_in_prometheus_text_form(running: Plane) -> None:
    async with peer(running.port) as agent:
        await agent.register()
        await agent.beat()
        await http(running.port, "GET /nope HTTP/1.1", *PLAIN)
        status, headers, body = await http(running.port, "GET /metrics HTTP/1.1", *PLAIN)

    lines = body.decode().splitlines()
    assert (status, headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "holdfast_gateway_agents_connected 1.0" in lines
    assert "holdfast_gateway_registrations_total 1.0" in lines
    assert "holdfast_gateway_messages_total 3.0" in lines
    assert 'holdfast_gateway_faults_total{code="WS-WRONG-PATH"} 1.0' in lines


@pytest.mark.parametrize("path", ["/health", "/metrics"])
async def test_head_has_the_headers_of_get_and_no_body(running: Plane, path: str) -> None:
    status, headers, body = await http(running.port, f"HEAD {path} HTTP/1.1", *PLAIN)

    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


@pytest.mark.parametrize("protocol", ["HTTP/1.1", "HTTP/1.0"])
async def test_the_websocket_path_without_an_upgrade_explains_itself(running: Plane, protocol: str) -> None:
    status, headers, body = await http(running.port, f"GET /ws/agent {protocol}", *PLAIN)

    told = json.loads(body)
    assert (status, headers["content-type"]) == (400, "application/problem+json")
    assert headers["holdfast-code"] == told["code"] == "WS-PLAIN-HTTP"
    assert told["type"] == "docs/diagnosis/WS-PLAIN-HTTP.md"
    assert "the endpoint is alive" in told["detail"]
    assert told["fix"]
    assert told["attempt"] == running.events[-1].attempt


async def test_curl_dash_capital_i_gets_400_without_a_body(running: Plane) -> None:
    status, headers, body = await http(running.port, "HEAD /ws/agent HTTP/1.1", *PLAIN)

    assert (status, headers["holdfast-code"], body) == (400, "WS-PLAIN-HTTP", b"")


@pytest.mark.parametrize("more", [[], ["Content-Length: 17"], ["Transfer-Encoding: chunked"]])
async def test_another_method_is_refused_with_those_that_are_allowed(running: Plane, more: list[str]) -> None:
    status, headers, body = await http(running.port, "POST /ws/agent HTTP/1.1", *PLAIN, *more)

    assert (status, headers["allow"]) == (405, "GET, HEAD")
    assert "this is POST" in json.loads(body)["detail"]


async def test_a_post_whose_body_follows_reads_the_whole_answer(running: Plane) -> None:
    async with raw(running.port) as connection:
        await connection.send(request("POST /ws/agent HTTP/1.1", *PLAIN, "Content-Length: 200000"))
        await connection.send(b"x" * 200_000)
        head, body = await connection.head(), await connection.rest()

    assert head.startswith("HTTP/1.1 405 ")
    assert json.loads(body)["code"] == "WS-METHOD"


@pytest.mark.parametrize(
    ("path", "status", "code", "says"),
    [
        ("/agents", 404, "NET-WRONG-PORT", "8083"),
        ("/agents/agt_1", 404, "NET-WRONG-PORT", "8083"),
        ("/healthz", 404, "NET-WRONG-PORT", "8083"),
        ("/ws/agents", 404, "WS-WRONG-PATH", "nearly right"),
        ("/ws/agent/", 404, "WS-WRONG-PATH", "nearly right"),
        ("/", 404, "WS-WRONG-PATH", "not known here"),
        ("/%00\x1b[31m", 404, "WS-WRONG-PATH", "\\x1b"),
    ],
)
async def test_a_wrong_path_is_told_what_it_was_probably_meant_to_be(
    running: Plane, path: str, status: int, code: str, says: str
) -> None:
    answered, headers, body = await http(running.port, f"GET {path} HTTP/1.1", *PLAIN)

    told = json.loads(body)
    assert (answered, told["code"], headers["holdfast-code"]) == (status, code, code)
    assert says in told["detail"]


async def test_a_query_does_not_hide_the_path(running: Plane) -> None:
    assert (await http(running.port, "GET /health?x=1 HTTP/1.1", *PLAIN))[0] == 200


async def test_a_proxy_may_ask_with_the_whole_url(running: Plane) -> None:
    assert (await http(running.port, "GET http://gateway:8080/health HTTP/1.1", *PLAIN))[0] == 200


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([f"Cookie: {'x' * 9000}"], "no more than 8192 bytes"),
        ([f"X-{number}: 1" for number in range(200)], "no more than 128 headers"),
        (["no colon here"], "invalid HTTP header line: no colon here"),
    ],
)
async def test_a_request_that_cannot_be_parsed_is_told_why_and_not_that_get_is_wrong(
    running: Plane, lines: list[str], says: str
) -> None:
    status, _, body = await http(running.port, *UPGRADE, *lines)

    told = json.loads(body)
    assert (status, told["code"]) == (400, "WS-PLAIN-HTTP")
    assert says in told["detail"]


@pytest.mark.parametrize(
    "lines",
    [
        ["upgrade: WebSocket", "CONNECTION: keep-alive, Upgrade"],
        ["Upgrade: websocket", "Connection: keep-alive", "Connection: upgrade"],
        ["uPGRADE: WEBSOCKET", "connection:Upgrade,keep-alive", "Content-Length: 0"],
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Protocol: aegis", "Origin: http://a.example"],
        ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Extensions: permessage-deflate"],
        ["Upgrade: websocket", "Connection: Upgrade", "X-Blank:", "X-Folded: caf\xe9"],
    ],
)
async def test_upgrade_requests_come_as_clients_and_proxies_really_send_them(running: Plane, lines: list[str]) -> None:
    key = ["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==", "SEC-WEBSOCKET-VERSION: 13"]
    async with raw(running.port) as connection:
        await connection.send(request("GET /ws/agent?token=x HTTP/1.1", "host: gateway", *lines, *key))
        head = await connection.head()

    assert head.startswith("HTTP/1.1 101 ")
    assert "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    assert "Holdfast-Attempt: a-" in head
    assert "Holdfast-Challenge: " in head
    assert "Sec-WebSocket-Extensions" not in head


async def test_a_request_written_byte_by_byte_is_upgraded(running: Plane) -> None:
    async with raw(running.port) as connection:
        for byte in request(*UPGRADE):
            await connection.send(bytes([byte]))
        head = await connection.head()

    assert head.startswith("HTTP/1.1 101 ")


async def test_a_page_is_answered_while_agents_are_connected_and_ends_its_connection(running: Plane) -> None:
    async with raw(running.port) as agent:
        await upgraded(agent)
        status, headers, _ = await http(running.port, "GET /health HTTP/1.1", *PLAIN)

    assert (status, headers["connection"]) == (200, "close")
