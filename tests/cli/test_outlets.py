"""What leaves the control plane by configuration: findings by webhook, events into a file."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import websocket

from tests.cli.commands import holdfast
from tests.processes import control_plane, wait_until


def test_findings_are_posted_and_events_are_recorded_for_a_replay(tmp_path: Path) -> None:
    posted: list[Any] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    events = tmp_path / "events.jsonl"
    environ = {
        "HOLDFAST_WEBHOOK_URL": f"http://127.0.0.1:{server.server_port}/hook",
        "HOLDFAST_RECORD_EVENTS": str(events),
    }

    with control_plane(tmp_path / "data", environ=environ) as plane:
        ws = websocket.create_connection(plane.agent_url)
        ws.send("hello")
        wait_until(lambda: "MSG-NOT-JSON" in json.dumps(posted), within_s=20, waiting_for="the webhook")
        ws.close()
    server.shutdown()
    server.server_close()

    replayed = holdfast("findings", "replay", str(events), "--json")
    assert "MSG-NOT-JSON" in replayed.out
