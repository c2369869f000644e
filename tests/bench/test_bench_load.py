"""The load generator and the peers it is turned on: real processes, small numbers, no timing."""

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.frames import Frame
from websockets.streams import StreamReader

from bench import loading, meter, orders, servers, wire


@pytest.fixture(params=sorted(servers.PEERS))
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[servers.Server]:
    with servers.running(request.param, tmp_path / "peer") as server:
        yield server


def test_a_peer_registers_one_agent_and_acknowledges_its_heartbeats(peer: servers.Server) -> None:
    with loading.Load(peer.port) as load:
        load.order(orders.Prepare(1))

        registered = load.order(orders.Register(at_once=1))
        beaten = load.order(orders.Beat(per_s=100, seconds=0.1))

    assert (registered.done, registered.errors, registered.first_error) == (1, 0, "")
    assert (beaten.asked, beaten.done, beaten.errors) == (10, 10, 0)


def test_agents_stay_until_they_are_told_to_leave(peer: servers.Server) -> None:
    with loading.Load(peer.port) as load:
        load.order(orders.Prepare(20))
        load.order(orders.Register(at_once=8))

        resting = load.order(orders.Rest(seconds=0))
        left = load.order(orders.Leave())

    assert (resting.connected, left.connected) == (20, 0)


def test_at_the_peak_every_heartbeat_that_was_sent_is_acknowledged(peer: servers.Server) -> None:
    with loading.Load(peer.port) as load:
        load.order(orders.Prepare(5))
        load.order(orders.Register(at_once=5))

        peak = load.order(orders.Peak(outstanding=4, seconds=0.2))

    assert peak.asked > 5 * 4
    assert (peak.done, peak.errors) == (peak.asked, 0)


def test_a_server_that_is_not_there_is_counted_and_named(tmp_path: Path) -> None:
    with servers.running("websockets", tmp_path / "gone") as server:
        port = server.port
    with loading.Load(port) as load:
        load.order(orders.Prepare(3))

        refused = load.order(orders.Register(at_once=2))

    assert (refused.asked, refused.done, refused.errors) == (3, 0, 3)
    assert "ConnectionRefusedError" in refused.first_error


def test_a_server_that_cannot_start_is_reported_with_what_it_printed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no room for me')"]

    with (
        pytest.raises(servers.StartFailure, match=r"(?s)the server ended with status 1 .*no room for me"),
        servers.started("the server", command, "http://127.0.0.1:1/", tmp_path / "never"),
    ):
        pass


def test_a_server_s_processor_time_and_memory_are_those_of_its_process(peer: servers.Server) -> None:
    with loading.Load(peer.port) as load:
        before_s = meter.cpu_s(peer.pid)
        load.order(orders.Prepare(100))
        load.order(orders.Register(at_once=16))

        used_s = meter.cpu_s(peer.pid) - before_s

    assert used_s > 0
    assert meter.memory_kib(peer.pid) > 1024


def test_a_numbered_heartbeat_is_a_masked_frame_whose_id_alone_differs() -> None:
    first, second = (_sent(wire.Heartbeat().numbered(number)) for number in (7, 1234567890))

    assert first["id"] == "0000000000000007"
    assert second == {**first, "id": "0000001234567890"}
    assert (first["type"], first["channel"]) == ("heartbeat", "agent.heartbeat")


def test_every_agent_of_the_bench_has_its_own_key_and_its_own_loopback_address() -> None:
    many = [wire.Identity(number) for number in (0, 1, 255, 256, 65535, 65536)]

    assert [each.address for each in many[2:]] == ["127.1.0.255", "127.1.1.0", "127.1.255.255", "127.2.0.0"]
    assert len({each.public_key for each in many}) == len(many)


def test_the_registration_message_carries_the_agent_s_raw_key() -> None:
    identity = wire.Identity(3)

    message = _sent(identity.registration())

    payload = json.loads(base64.b64decode(str(message["payload"])))
    assert message["channel"] == "agent.registration"
    assert payload["host_id"] == "bench-0000003"
    assert base64.b64decode(payload["agent_pubkey"]) == identity.public_key


def _sent(frame: bytes) -> dict[str, object]:
    """The JSON of one masked client frame, read by the `websockets` library."""
    stream = StreamReader()
    stream.feed_data(frame)
    parser = Frame.parse(stream.read_exact, mask=True)
    with pytest.raises(StopIteration) as finished:
        next(parser)
    parsed: dict[str, object] = json.loads(finished.value.value.data)
    return parsed
