#!/usr/bin/env python3
"""Is the backend working? Walks the troubleshooting guide's testing checklist as an agent would, line by line.

    python3 AGENT_CONNECTION_TEST.py [URL] [--api URL]

URL is the gateway's, by default ws://127.0.0.1:8080/ws/agent; the Actions API is expected on port 8083 of the same
host. Each line is ticked as it passes. The first one that does not ends the test: what happened, why, and what to do.

Exit codes: 0 all lines passed, 1 something is wrong with the backend or the way to it, 2 the test could not be run.

The test registers as host `agent-connection-test` with a key that it forgets at the end, so that each run leaves one
more agent in the list. With an API token of the role operator in HOLDFAST_TOKEN the test deletes its agent again. Where
the gateway lets agents in by token only, HOLDFAST_ENROLMENT_TOKEN holds one that it accepts.
"""

# ruff: noqa: E402 - what is imported below is there only once the project's environment is entered

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
NEEDED = ("cryptography", "holdfast", "httpx", "websockets")
ENTERED = "HOLDFAST_TEST_ENTERED"  # set for the second start, so that a broken .venv is not entered for ever


def enter_environment() -> None:
    """Go on in the project's .venv, which has what the test needs; any Python 3 may start it."""
    python = ROOT / ".venv" / "bin" / "python"
    if python.exists() and ENTERED not in os.environ and Path(sys.prefix) != ROOT / ".venv":
        os.execve(str(python), [str(python), __file__, *sys.argv[1:]], {**os.environ, ENTERED: "1"})
    if not all(importlib.util.find_spec(name) for name in NEEDED):
        sys.stderr.write("The test needs the project's environment, which is not complete. Make it with: make setup\n")
        sys.exit(2)


if __name__ == "__main__":
    enter_environment()

import argparse
import base64
import binascii
import json
import socket
import ssl
import time
import uuid
from contextlib import closing
from datetime import datetime
from ipaddress import ip_address
from typing import Literal
from urllib.parse import urlsplit

import httpx
import websockets.exceptions
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from websockets.sync.client import ClientConnection, connect

from holdfast.faults.catalogue import CATALOGUE
from holdfast.faults.problem import printable

HOST_ID = "agent-connection-test"
ANSWER_S = 10.0
LISTED_S = 10.0
CLOCK_S = 60.0
PATH = "/ws/agent"
ENVIRONMENT = """environment:
  HOLDFAST_TOKEN            an API token: the API wants one beyond the machine itself; with the role
                            operator the agent that the test registered is deleted at its end
  HOLDFAST_ENROLMENT_TOKEN  an enrolment token, where the gateway runs with --registration token
"""

Payload = dict[str, object]


class Wrong(Exception):
    """The first thing that is wrong. `code` is of the fault catalogue, or empty where nobody named one."""

    def __init__(self, code: str, what: str, why: str = "", fix: str = "", attempt: str = "") -> None:
        super().__init__(what)
        entry = CATALOGUE.get(code)
        self.code, self.what, self.attempt = code, what, attempt
        self.why = why or (entry.cause if entry else "")
        self.fix = fix or (entry.fix if entry else "")


class Report:
    """The lines as they pass."""

    def __init__(self) -> None:
        self.current = ""

    def title(self, text: str) -> None:
        print(f"\n{text}")

    def begin(self, line: str) -> None:
        """From here on a failure is this line's."""
        self.current = line

    def tick(self, note: str = "") -> None:
        print(f"- [x] {self.current}" + (f"  ({note})" if note else ""), flush=True)
        self.current = ""

    def fail(self, wrong: Wrong) -> None:
        print(f"- [ ] {self.current}\n")
        print(f"  what:  {wrong.what}" + (f" [{wrong.code}]" if wrong.code else ""))
        for name, text in (("why", wrong.why), ("fix", wrong.fix)):
            if text:
                print(f"  {name}:   {text}")
        if wrong.attempt:
            print(f"\n  The gateway knows this connection as attempt {wrong.attempt}.")
        if wrong.code:
            print(f"  More: .venv/bin/holdfast explain {wrong.code}")


# ---- the way to the backend


def port_of(url: str) -> int:
    """The port of a URL, by default that of its scheme."""
    return urlsplit(url).port or (443 if url.startswith(("wss", "https")) else 80)


def nobody_listens(where: str, *, is_api: bool) -> Wrong:
    """A refused connection, which says nothing of the other of the two services."""
    if is_api:
        why = "nothing listens there: the Actions API is on another port or host, or does not run"
        fix = "Name the Actions API with --api http://HOST:PORT; or start the backend with: make run"
        return Wrong("SRV-ACTIONS-API-DOWN", f"the Actions API is not at {where}", why, fix)
    why = "nothing listens there: the gateway is on another port or host, or does not run"
    return Wrong("NET-CONN-REFUSED", f"{where} refuses the connection", why, "Start the backend with: make run")


def unreachable(error: Exception, url: str, api_place: str = "") -> Wrong:
    """Why no connection to `url` came about, as far as this side can tell. `api_place` is the API's host:port."""
    where = f"{urlsplit(url).hostname}:{port_of(url)}"
    is_api = where == api_place
    causes = [error]
    while (inner := causes[-1].__cause__ or causes[-1].__context__) is not None and inner not in causes:
        causes.append(inner)  # type: ignore[arg-type]  # a cause is an Exception wherever a library chains them
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            late = cause.errno == socket.EAI_AGAIN
            return Wrong("NET-DNS-TIMEOUT" if late else "NET-DNS-NXDOMAIN", f"{where} has no address: {cause.strerror}")
        if isinstance(cause, ssl.SSLCertVerificationError):
            by_code = {10: "TLS-EXPIRED", 9: "TLS-NOT-YET-VALID", 62: "TLS-HOSTNAME-MISMATCH", 64: "TLS-IP-URL"}
            return Wrong(by_code.get(cause.verify_code, "TLS-UNTRUSTED-CA"), f"{where}: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return Wrong("TLS-TLS-TO-PLAIN", f"{where} does not speak TLS: {cause.reason}")
        if isinstance(cause, ConnectionRefusedError):
            return nobody_listens(where, is_api=is_api)
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return Wrong("NET-CONN-TIMEOUT", f"{where} does not answer")
    return Wrong(
        "", f"no answer in HTTP from {where}: {printable(str(error), 200)}",
        "what listens there took the connection and is no Holdfast service, or something between ended it",
        f"Look what listens on {where}, and name the {'Actions API with --api' if is_api else 'gateway as URL'}",
    )  # fmt: skip


def refused(status: int, body: str) -> Wrong:
    """What an HTTP answer that is none of ours means: Holdfast says it itself, a proxy says it by the status."""
    try:
        said = json.loads(body)
        return Wrong(said["code"], said["title"], said["detail"], said["fix"], said.get("attempt") or "")
    except (ValueError, KeyError, TypeError):
        codes = {401: "WS-AUTH-401", 403: "WS-FORBIDDEN-403", 404: "WS-WRONG-PATH", 407: "PXY-AUTH-407"}
        codes.update({429: "WS-RATE-429", 502: "PXY-BAD-GATEWAY", 503: "WS-UNAVAILABLE-503", 200: "PXY-HTML-200"})
        return Wrong(codes.get(status, ""), f"the answer is HTTP {status}: {printable(body, 80)}")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Backend:
    """Plain HTTP to the gateway and the API; on this machine never through a proxy."""

    def __init__(self, url: str, api: str, token: str, ca: str | None) -> None:
        parts = urlsplit(url)
        self.url, self.api = url, api.rstrip("/")
        self.gateway = f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"
        self.path = parts.path or "/"
        self.tls = ssl.create_default_context(cafile=ca)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._api = httpx.Client(verify=self.tls, trust_env=not is_loopback(api), timeout=ANSWER_S, headers=headers)
        self._plain = httpx.Client(verify=self.tls, trust_env=not is_loopback(url), timeout=ANSWER_S)

    def request(self, method: str, url: str) -> httpx.Response:
        client = self._api if url.startswith(f"{self.api}/") else self._plain
        try:
            return client.request(method, url)
        except httpx.HTTPError as error:
            place = f"{urlsplit(self.api).hostname}:{port_of(self.api)}" if client is self._api else ""
            raise unreachable(error, url, place) from error

    def get(self, url: str) -> Payload:
        """The JSON object behind `url`."""
        response = self.request("GET", url)
        try:
            body = response.json()
        except ValueError:
            body = None
        if response.status_code == 200 and isinstance(body, dict):
            return body
        raise refused(response.status_code, response.text)

    def listed(self, agent_uid: str) -> Payload | None:
        found = self.get(f"{self.api}/agents?host_id={HOST_ID}")["agents"]
        agents = found if isinstance(found, list) else []
        return next((agent for agent in agents if agent.get("agent_uid") == agent_uid), None)

    def delete(self, agent_uid: str) -> bool:
        """Take the test's agent away again; only a token with the right to do so can."""
        return self.request("DELETE", f"{self.api}/agents/{agent_uid}").status_code in (200, 204)

    def close(self) -> None:
        self._api.close()
        self._plain.close()


# ---- the agent


def read_payload(text: str) -> Payload:
    """The payload of an answer, in base64 as the protocol has it or as plain JSON text."""
    try:
        raw = text.encode() if text.lstrip().startswith("{") else base64.b64decode(text, validate=True)
        payload = json.loads(raw or b"{}")
    except (binascii.Error, ValueError) as error:
        raise Wrong("MSG-PAYLOAD-NOT-B64", "the payload of the answer cannot be read", str(error)) from error
    if not isinstance(payload, dict):
        raise Wrong("MSG-PAYLOAD-NOT-JSON", "the payload of the answer is not a JSON object")
    return payload


class Agent:
    """One connection of an agent with a key that is kept for this run only."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._key = Ed25519PrivateKey.generate()
        self.connected_at = time.monotonic()
        response = socket.response
        self.attempt = response.headers.get("Holdfast-Attempt", "") if response is not None else ""

    def init(self, token: str) -> None:
        public = base64.b64encode(self._key.public_key().public_bytes_raw()).decode()
        payload = {"org_id": "default-org", "host_id": HOST_ID, "agent_pubkey": public, "agent_version": "test"}
        self._send("request", "agent.registration", {**payload, **({"enrolment_token": token} if token else {})})

    def complete(self, challenge: Payload) -> None:
        signature_data = f"{challenge['nonce']}{challenge['server_time']}{HOST_ID}"
        signature = base64.b64encode(self._key.sign(signature_data.encode())).decode()
        payload = {"registration_id": challenge["registration_id"], "host_id": HOST_ID, "signature": signature}
        self._send("request", "agent.registration.complete", payload)

    def heartbeat(self) -> None:
        self._send("heartbeat", "agent.heartbeat", {})

    def answer(self, kind: str, channel: str) -> Payload:
        """The payload of the next message, which has to be this answer."""
        try:
            message = json.loads(self._socket.recv(timeout=ANSWER_S))
            payload = read_payload(message["payload"])
            came = (message["type"], message["channel"])
        except TimeoutError:
            raise Wrong(
                "", f"no answer came within {ANSWER_S:g} s", "the gateway is overloaded, or something holds data back",
                "Look into the gateway's log for this attempt", self.attempt,
            ) from None  # fmt: skip
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Wrong("MSG-NOT-JSON", "the answer is no envelope", repr(error), attempt=self.attempt) from error
        if came[0] == "error":
            said = {name: str(payload.get(name) or "") for name in ("code", "title", "detail", "fix", "attempt")}
            raise Wrong(said["code"], said["title"], said["detail"], said["fix"], said["attempt"] or self.attempt)
        if came != (kind, channel):
            raise Wrong("", f"a {kind} on {channel} had to come, a {came[0]} on {came[1]} came", attempt=self.attempt)
        return payload

    def _send(self, kind: str, channel: str, payload: Payload) -> None:
        message = {
            "id": str(uuid.uuid4()),
            "type": kind,
            "channel": channel,
            "timestamp": int(time.time()),
            "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
            "headers": {},
        }
        self._socket.send(json.dumps(message))


def check_challenge(challenge: Payload) -> str:
    """Whether the answer to init has what an agent needs; returns a remark on the clock."""
    for name in ("registration_id", "nonce", "server_time"):
        if not isinstance(challenge.get(name), str) or not challenge[name]:
            raise Wrong("MSG-FIELD-MISSING", f"{name} is missing in the answer to init", "the answer is incomplete")
    try:
        size = len(base64.b64decode(str(challenge["nonce"]), validate=True))
        server = datetime.fromisoformat(str(challenge["server_time"])).timestamp()
    except (binascii.Error, ValueError) as error:
        raise Wrong("MSG-FIELD-TYPE", "the answer to init cannot be read", str(error)) from error
    if size != 32:
        raise Wrong("MSG-FIELD-TYPE", f"the nonce has {size} bytes, not 32", "the answer to init is not the protocol's")
    behind = server - time.time()
    return f"clocks differ by {behind:+.0f} s" if abs(behind) > CLOCK_S else ""


# ---- the guide


def debugging_steps(backend: Backend, report: Report) -> None:
    """The guide's debugging steps 1 and 2."""
    report.title("Debugging steps 1 and 2")
    report.begin(f"HEAD {backend.path} answers 400 Bad Request (expected)")
    response = backend.request("HEAD", backend.gateway + backend.path)
    if response.status_code != 400 or response.headers.get("Holdfast-Code") != "WS-PLAIN-HTTP":
        explain_head(backend, response.status_code)
    report.tick()
    report.begin("WebSocket Gateway health: GET /health")
    health = backend.get(f"{backend.gateway}/health")
    report.tick(f"{health.get('status')}, {health.get('active_connections')} connections")
    report.begin("Actions API health: GET /healthz")
    report.tick(str(backend.get(f"{backend.api}/healthz").get("status", "")))
    report.begin("Registered agents: GET /agents")
    report.tick(f"{backend.get(f'{backend.api}/agents?limit=1').get('total')} registered")


def explain_head(backend: Backend, status: int) -> None:
    """A 400 has more than one reason: the answer to GET has a body, which tells which one."""
    try:
        backend.get(backend.gateway + backend.path)
    except Wrong as wrong:
        if wrong.code == "WS-PLAIN-HTTP":
            return  # the expected one, whose header was lost on the way
        if status != 400 or wrong.code:
            raise
    if status != 400:
        raise Wrong("", f"it answers {status}", "a Holdfast gateway answers 400 here", "Look what listens there")


def testing_checklist(backend: Backend, report: Report, token: str) -> str:
    """The guide's testing checklist; returns the uid of the agent that it registered."""
    report.title("Testing checklist")
    port = urlsplit(backend.url).port or (443 if backend.url.startswith("wss") else 80)
    report.begin(f"Agent connects to WebSocket Gateway on port {port}")
    with dial(backend) as connected:
        agent = Agent(connected)
        report.tick(f"attempt {agent.attempt}" if agent.attempt else "")
        try:
            return register(agent, backend, report, token)
        except websockets.exceptions.ConnectionClosed as closed:
            raise ended(closed, agent) from closed


def register(agent: Agent, backend: Backend, report: Report, token: str) -> str:
    report.begin("Agent sends message within 5 seconds of connection")
    agent.init(token)
    report.tick(f"after {1000 * (time.monotonic() - agent.connected_at):.0f} ms")
    report.begin("Agent sends registration init message with correct format")
    challenge = agent.answer("response", "agent.registration")
    report.tick()
    report.begin("Agent handles registration init response")
    report.tick(check_challenge(challenge))
    report.begin("Agent sends registration complete message with correct signature")
    agent.complete(challenge)
    confirmed = agent.answer("response", "agent.registration.complete")
    report.tick()
    report.begin("Agent handles registration complete response")
    uid, status = str(confirmed.get("agent_uid") or ""), str(confirmed.get("status") or "")
    if not uid or status not in ("registered", "pending"):
        raise Wrong("MSG-FIELD-MISSING", "the confirmation has no agent_uid or no status", printable(str(confirmed)))
    report.tick(f"{uid}, {status}")
    report.begin("Agent appears in `/agents` endpoint after registration")
    wait_listed(agent, backend, uid, report)
    return uid


def wait_listed(agent: Agent, backend: Backend, uid: str, report: Report) -> None:
    """Poll GET /agents, with a heartbeat each time, as a living agent would send it."""
    give_up = time.monotonic() + LISTED_S
    seen: Payload | None = None
    while time.monotonic() < give_up:
        agent.heartbeat()
        agent.answer("ack", "agent.heartbeat")
        seen = backend.listed(uid)
        if seen is not None and seen.get("status") in ("online", "pending"):
            report.tick(str(seen["status"]))
            return
        time.sleep(0.5)  # noqa: TID251 - a command-line program that polls
    if seen is None:
        raise Wrong("SRV-AGENT-NOT-LISTED", f"{uid} is not in /agents", attempt=agent.attempt)
    raise Wrong("", f"{uid} is in /agents as {seen.get('status')}", str(seen.get("status_why") or ""))


def dial(backend: Backend) -> ClientConnection:
    tls = backend.tls if backend.url.startswith("wss") else None
    proxy: Literal[True] | None = None if is_loopback(backend.url) else True  # True: that of the environment
    try:
        return connect(backend.url, ssl=tls, proxy=proxy, open_timeout=ANSWER_S)
    except websockets.exceptions.InvalidStatus as error:
        raise refused(error.response.status_code, (error.response.body or b"").decode("utf-8", "replace")) from error
    except (OSError, websockets.exceptions.WebSocketException) as error:
        raise unreachable(error, backend.url) from error


def ended(closed: websockets.exceptions.ConnectionClosed, agent: Agent) -> Wrong:
    """A close in the middle; the gateway's reasons are `CODE: fix`."""
    if closed.rcvd is None:
        return Wrong(
            "", "the connection broke without a close (1006)", "something between cut it", attempt=agent.attempt
        )
    code, _, fix = closed.rcvd.reason.partition(": ")
    known = code if code in CATALOGUE else ""
    return Wrong(
        known, f"the gateway closed with {closed.rcvd.code}", fix=fix or closed.rcvd.reason, attempt=agent.attempt
    )


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Walks the guide's testing checklist against a running backend.",
        epilog=ENVIRONMENT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8080/ws/agent", help="default: %(default)s")
    parser.add_argument("--api", metavar="URL", help="the Actions API; default: port 8083 of the same host")
    parser.add_argument("--ca", metavar="FILE", help="CA certificate to trust for wss:// and https://")
    parsed = parser.parse_args()
    if problem := url_problem(parsed.url, ("ws", "wss")):
        parser.error(f"{parsed.url} is no WebSocket URL: {problem}, such as ws://127.0.0.1:8080{PATH}")
    parts = urlsplit(parsed.url)
    if parts.path in ("", "/"):
        parsed.url = parts._replace(path=PATH).geturl()  # as the agents do
    if parsed.api is None:
        host = parts.hostname or ""
        parsed.api = f"http://{f'[{host}]' if ':' in host else host}:8083"
    if problem := url_problem(parsed.api, ("http", "https")):
        parser.error(f"--api {parsed.api} is no URL of the Actions API: {problem}, such as http://127.0.0.1:8083")
    return parsed


def url_problem(url: str, schemes: tuple[str, str]) -> str:
    """What keeps `url` from being one with a host under these schemes; nothing where it is fine."""
    try:
        parts = urlsplit(url)
        if parts.port == 0:
            return "no service has port 0"
    except ValueError as error:
        return str(error)
    if parts.scheme not in schemes or not parts.hostname:
        return f"it begins with {schemes[0]}:// or {schemes[1]}:// and a host"
    return ""


def main() -> int:
    chosen = options()
    report = Report()
    print(f"Gateway {chosen.url}, Actions API {chosen.api}")
    api_token = os.environ.get("HOLDFAST_TOKEN", "")
    with closing(Backend(chosen.url, chosen.api, api_token, chosen.ca)) as backend:
        try:
            debugging_steps(backend, report)
            uid = testing_checklist(backend, report, os.environ.get("HOLDFAST_ENROLMENT_TOKEN", ""))
        except Wrong as wrong:
            report.fail(wrong)
            return 1
        print("\nAll lines passed: the backend is working.")
        if api_token and backend.delete(uid):
            print(f"The test's agent {uid} was deleted again.")
        else:
            print(f"The test's agent {uid} stays listed as {HOST_ID}, offline: each run leaves one more.")
            print(f"To remove it: .venv/bin/holdfast agents delete {uid} --api {chosen.api}")
            print("An API token of the role operator in HOLDFAST_TOKEN lets the test remove its agent itself.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
