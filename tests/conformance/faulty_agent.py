"""An agent of the guide with one mistake, chosen by its first argument; its URL comes from HOLDFAST_URL."""

import base64
import json
import os
import sys
import threading
import time
import uuid
from typing import Any

import websocket
from nacl.signing import SigningKey

MISTAKE = sys.argv[1]
URL = os.environ["HOLDFAST_URL"]


def wait(seconds: float) -> None:
    threading.Event().wait(seconds)


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def send(ws: websocket.WebSocket, channel: str, payload: dict[str, Any], kind: str = "request") -> None:
    message = {
        "id": str(uuid.uuid4()), "type": kind, "channel": channel, "timestamp": int(time.time()),
        "payload": b64(json.dumps(payload).encode()), "headers": {},
    }  # fmt: skip
    ws.send(json.dumps(message))


def ask(ws: websocket.WebSocket, channel: str, payload: dict[str, Any]) -> dict[str, Any]:
    send(ws, channel, payload)
    answer: dict[str, Any] = json.loads(base64.b64decode(json.loads(ws.recv())["payload"]))
    return answer


def connect(key: SigningKey) -> None:
    ws = websocket.create_connection(URL)
    if MISTAKE == "silent":
        wait(60)
    public_key = bytes(key.verify_key)
    challenge = ask(ws, "agent.registration", {"host_id": "web-01", "agent_pubkey": b64(public_key)})
    if MISTAKE == "unfinished":
        wait(60)
    text = challenge["nonce"] + challenge["server_time"] + "web-01"
    if MISTAKE == "order":
        text = challenge["nonce"] + "web-01" + challenge["server_time"]
    signature = b64(key.sign(text.encode()).signature)
    proof = {"registration_id": challenge["registration_id"], "host_id": "web-01", "signature": signature}
    ask(ws, "agent.registration.complete", proof)
    if MISTAKE == "goodbye":
        wait(1)
        ws.close()
        wait(60)
    while True:
        if MISTAKE != "no-heartbeat":
            send(ws, "agent.heartbeat", {}, kind="heartbeat")
        ws.settimeout(1)
        try:
            if not ws.recv():
                return
        except websocket.WebSocketTimeoutException:
            continue


def main() -> None:
    key = SigningKey.generate()
    while True:
        if MISTAKE == "new-key":
            key = SigningKey.generate()
        try:
            connect(key)
        except (websocket.WebSocketException, OSError) as error:
            print(f"lost: {error}", flush=True)
        if MISTAKE == "no-reconnect":
            wait(60)
        wait(0.3)


main()
