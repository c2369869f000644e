"""An agent in one file, as the troubleshooting guide describes it: on_open sends at once, two steps, heartbeats.

    pip install websocket-client cryptography
    python guide_agent.py ws://127.0.0.1:8080/ws/agent web-01

The key is kept in HOST_ID.key, so that the agent is the same one after a restart. See docs/reference/protocol.md.
"""
# ruff: noqa: ARG001, INP001, S311, T201, TID251 - a program for other people's hosts, with threads as in the guide

import argparse
import base64
import json
import os
import random
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

import websocket
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

arguments = argparse.ArgumentParser(description="An agent as the troubleshooting guide describes it.")
arguments.add_argument("url", help="such as ws://127.0.0.1:8080/ws/agent")
arguments.add_argument("host_id")
arguments.add_argument("--beat", type=float, help="seconds between heartbeats; default: what the gateway asks for")
options = arguments.parse_args()
host_id: str = options.host_id


def load_key() -> Ed25519PrivateKey:
    """The key of this host: made once, readable by its owner alone."""
    path = Path(f"{host_id}.key")
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw())
    return Ed25519PrivateKey.from_private_bytes(path.read_bytes())


private_key = load_key()
public_key = base64.b64encode(private_key.public_key().public_bytes_raw()).decode()
registered = threading.Event()
terminal = threading.Event()


def send(ws: websocket.WebSocketApp, kind: str, channel: str, payload: Mapping[str, object]) -> None:
    """One envelope in one text frame. The lock of websocket-client keeps two threads apart."""
    message = {
        "id": str(uuid.uuid4()),
        "type": kind,
        "channel": channel,
        "timestamp": int(time.time()),
        "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
        "headers": {},
    }
    ws.send(json.dumps(message))


def on_open(ws: websocket.WebSocketApp) -> None:
    print("Connected!", flush=True)
    # Send message immediately
    send(ws, "request", "agent.registration", {"org_id": "default-org", "host_id": host_id, "agent_pubkey": public_key})


def on_message(ws: websocket.WebSocketApp, text: str) -> None:
    message = json.loads(text)
    payload = json.loads(base64.b64decode(message["payload"]) or b"{}")
    if message["type"] == "error":
        print(f"error {payload['code']}: {payload['title']}: {payload['detail']}. {payload['fix']}", flush=True)
    elif message["type"] == "ack":
        print(f"ack {payload['server_time']}", flush=True)
    elif message["channel"] == "agent.registration":
        complete_registration(ws, payload)
    elif message["channel"] == "agent.registration.complete":
        print(f"registered as {payload['agent_uid']}: {payload['status']}", flush=True)
        registered.set()
        interval = options.beat or payload["heartbeat_interval"]
        threading.Thread(target=heartbeat, args=(ws, interval), daemon=True).start()


def complete_registration(ws: websocket.WebSocketApp, challenge: dict[str, str]) -> None:
    # Correct signature calculation: three texts, exactly as they came and went
    signature_data = challenge["nonce"] + challenge["server_time"] + host_id
    signature = private_key.sign(signature_data.encode())
    signature_b64 = base64.b64encode(signature).decode()
    answer = {"registration_id": challenge["registration_id"], "host_id": host_id, "signature": signature_b64}
    send(ws, "request", "agent.registration.complete", answer)


def heartbeat(ws: websocket.WebSocketApp, interval: float) -> None:
    try:
        while registered.is_set():
            send(ws, "heartbeat", "agent.heartbeat", {})
            time.sleep(interval)
    except (websocket.WebSocketException, OSError):
        return  # on_close tells of it


def on_close(ws: websocket.WebSocketApp, close_status_code: int | None, close_msg: str | None) -> None:
    print(f"Connection closed: {close_status_code} - {close_msg}", flush=True)
    registered.clear()
    if close_status_code and 4500 <= close_status_code < 5000:
        terminal.set()


def main() -> None:
    while not terminal.is_set():
        app = websocket.WebSocketApp(options.url, on_open=on_open, on_message=on_message, on_close=on_close)
        app.run_forever()
        # A fleet that lost its gateway must not come back all at once.
        time.sleep(5 * random.uniform(0.5, 1.5))


if __name__ == "__main__":
    main()
