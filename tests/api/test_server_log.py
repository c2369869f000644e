"""What the API's server logs of its own accord."""

import logging

import pytest

from tests.api.conftest import Api


async def test_an_agent_on_the_wrong_port_brings_no_advice_to_install_a_websocket_library(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answer = await api.http.get(
            "/ws/agent",
            headers={"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="},
        )

    assert answer.json()["code"] == "NET-WRONG-PORT"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uvicorn")] == []
