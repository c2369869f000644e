"""Staying connected, falling silent and ending."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Kind, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="LIFE-SILENT",
        title="The agent connects and never sends a message",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='The connection is up and nothing happens; after 5 minutes it ends ("i/o timeout", or close code 4408)',
        cause=(
            "The agent sends nothing when the connection opens: no registration flow, an error in its open "
            "handler, or it waits for the server to speak first"
        ),
        fix="Send the registration init on `agent.registration` as soon as the connection opens",
        gateway_sees=(
            "101 sent and no message; pongs come, so the process is alive. Reported after 5 s and closed with"
            " 4408 after 300 s, earlier when slots are short"
        ),
        doctor_probes=(
            "Runs the whole exchange from this host, so that what is missing is the agent's own first "
            "message; `holdfast check-agent` watches the agent itself"
        ),
        confused_with=(
            ("LIFE-PING-ONLY", "There pings come, and still no message"),
            ("LIFE-FROZEN", "There no pongs come either"),
            ("LIFE-HALF-OPEN", "There not even the peer's kernel confirms what we send"),
            ("MSG-BINARY", "There bytes did arrive, in binary frames"),
        ),
        guide=("issue-1", "issue-4", "issue-A", "flow-2", "log-2", "checklist-2", "requirement-1"),
    ),
    Fault(
        code="LIFE-PING-ONLY",
        title="The agent sends only WebSocket pings",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"I send keep-alives and am closed after 5 minutes all the same"',
        cause="Pings of the WebSocket protocol are no messages: they keep the path open and register nobody",
        fix="Send the registration init on `agent.registration`: pings only keep the path open",
        gateway_sees=(
            "Ping frames at a fixed interval, and not one message. Reported after 5 s and closed with 4408 after 300 s"
        ),
        doctor_probes=(
            "Runs the whole exchange from this host; `holdfast check-agent` shows what the agent sends and "
            "what is missing"
        ),
        confused_with=(("LIFE-SILENT", "There no pings come either"),),
        guide=("issue-1", "issue-A", "checklist-2", "requirement-1"),
    ),
    Fault(
        code="LIFE-NO-HEARTBEAT",
        title="The agent registered and sends no heartbeats",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="The agent is shown as degraded or offline although its process runs",
        cause=(
            "The heartbeat task was not started, died of an error nobody saw, or its interval is longer than "
            "the gateway's"
        ),
        fix="Start heartbeats after registering, every `heartbeat_interval` seconds of the answer",
        gateway_sees="Registration complete, no message for three heartbeat intervals, and pongs as they should be",
        doctor_probes="Sends a heartbeat itself and shows the `ack`; `holdfast check-agent` times those of the agent",
        confused_with=(
            ("LIFE-FROZEN", "There no pongs come either"),
            ("MSG-HEARTBEAT-CHANNEL", "There heartbeats come, on a wrong channel"),
        ),
        guide=("checklist-6",),
    ),
    Fault(
        code="LIFE-HALF-OPEN",
        title="The peer vanished without a word",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom="Nothing to see on the agent's side: the host lost its power, its cable or its Wi-Fi",
        cause="Power or link loss, a virtual machine that was frozen, or a path that forgot the connection",
        fix="Give the agent a ping timeout, so that it notices and reconnects by itself",
        gateway_sees=(
            "No pong, and what we send is not even confirmed by the peer's kernel; the silence is as long as "
            "the loss. Ended after 60 s"
        ),
        doctor_probes="Run later: uptime and the history of the link explain it",
        confused_with=(
            (
                "LIFE-FROZEN",
                "There the peer's kernel goes on confirming; so does a proxy, behind which the two look alike",
            ),
            ("NET-NAT-IDLE", "There it happens after the same time of quiet each time"),
            ("LIFE-SLEEP", "There the same process comes back hours later"),
        ),
        guide=("issue-1", "issue-2"),
        seen=("larksuite/openclaw-lark#599", "librefang/librefang#8276", "nodetool-ai/nodetool#4592"),
    ),
    Fault(
        code="LIFE-AGENT-UNAWARE",
        title="The agent believes it is connected, and is not",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="The host is offline for hours, the agent's log is silent, and a restart cures it",
        cause="The agent has no ping timeout, so a dead path never becomes an error",
        fix="Set a ping interval and a ping timeout of 20 s in the agent, and reconnect when it strikes",
        gateway_sees="The connection ended long ago, the host is reachable otherwise, and no attempt has come since",
        doctor_probes="The agent's socket is open here and unknown to the gateway",
        confused_with=(("LIFE-NO-RECONNECT", "There the agent knows, and stays away"),),
        guide=("requirement-6",),
        seen=("PatchMon/PatchMon#773", "PatchMon/PatchMon#847"),
    ),
    Fault(
        code="LIFE-NO-CLOSE-FRAME",
        title="The connection ended without a closing handshake",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="`close 1006 (abnormal closure): unexpected EOF`",
        cause=(
            "The process ended, or the library closed the TCP connection only, or something between did. 1006"
            " is never sent: it only says that no close frame came"
        ),
        fix="Close with code 1000 or 1001 when the agent stops, and look for the cause named beneath",
        gateway_sees="The end of the TCP stream and no close frame",
        doctor_probes="The exit code and signal of the agent's last run, from the service manager",
        confused_with=(("LIFE-GOING-AWAY-1001", "There a close frame comes"),),
        beneath=(
            "LIFE-KILLED",
            "LIFE-OOM",
            "LIFE-CRASH-LOOP",
            "PXY-IDLE-60",
            "PXY-IDLE-100",
            "PXY-IDLE-350",
            "PXY-IDLE-OTHER",
            "PXY-MAX-DURATION",
            "PXY-RELOAD",
            "NET-FW-RST",
            "NET-PACKET-LOSS",
            "LIFE-REBOOT",
            "SRV-RESTART",
        ),
        guide=("issue-2",),
        seen=("gorilla/websocket#645", "gorilla/websocket#321", "Terry-Mao/goim#214"),
    ),
    Fault(
        code="LIFE-KILLED",
        title="The agent's process was killed",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.HOST,
        symptom='"Killed" in the service\'s log',
        cause="An operator, a supervisor that lost patience, or the kernel killed the process (SIGKILL)",
        fix="Find who killed the agent in the service log, and raise its stop timeout if it stopped slowly",
        gateway_sees=(
            "Healthy frames until that millisecond, then an end without a close frame (a reset if the process"
            " had not read everything); next a new instance id with the same boot id"
        ),
        doctor_probes="The service manager's record: `code=killed, signal=KILL`",
        confused_with=(
            ("LIFE-OOM", "There the kernel counts an out-of-memory kill"),
            ("LIFE-REBOOT", "There the boot id is new as well"),
            ("LIFE-CRASH-LOOP", "There it happens again and again after the same frame"),
        ),
        guide=("issue-2",),
        seen=("Terry-Mao/goim#214",),
    ),
    Fault(
        code="LIFE-OOM",
        title="The agent was killed for memory",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="The agent disappears under load and is restarted",
        cause="Its memory limit is too low, or it leaks",
        fix="Raise the agent's memory limit, or repair the leak",
        gateway_sees="As for LIFE-KILLED, after similar times; the memory it reported, if it reports it, had grown",
        doctor_probes="The out-of-memory count of the service's control group (`memory.events`) and the kernel log",
        confused_with=(("LIFE-KILLED", "There no out-of-memory kill is counted and the memory is flat"),),
        guide=("issue-2",),
    ),
    Fault(
        code="LIFE-CRASH-LOOP",
        title="The agent crashes again and again at the same place",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="The service manager restarts the agent over and over",
        cause="The agent fails with an error while it handles the frame named in the evidence",
        fix="Repair the error the agent hits right after the frame named here: its traceback is in its log",
        gateway_sees=(
            "Short lives of similar length, each ending within moments of the same frame, each from a new "
            "instance; the gaps are the supervisor's"
        ),
        doctor_probes="The traceback in the service's log and its count of restarts",
        confused_with=(
            ("RATE-RECONNECT-LOOP", "There the same instance comes back"),
            ("PXY-IDLE-OTHER", "There the time is one of quiet, not one since a frame"),
        ),
        guide=("issue-2", "issue-B", "issue-C", "log-4", "checklist-4"),
        seen=("DataDog/datadog-agent#22728",),
    ),
    Fault(
        code="LIFE-SLEEP",
        title="The machine was asleep",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom="Offline overnight, back in the morning",
        cause="A laptop or a virtual machine was suspended",
        fix="Let the agent reconnect at once after a wake-up, and mark the host as one that sleeps",
        gateway_sees=(
            "Half-open, then back with the same instance and the same boot, whose own running time advanced "
            "much less than the clock"
        ),
        doctor_probes="The time since boot with and without sleep differs by the gap",
        confused_with=(
            ("LIFE-HALF-OPEN", "There a new boot returns, or nothing"),
            ("LIFE-FROZEN", "There the machine's kernel goes on confirming"),
        ),
        guide=("issue-2",),
        seen=("soimy/openclaw-channel-dingtalk#280", "superset-sh/superset#5130", "wireapp/wire-webapp#21477"),
    ),
    Fault(
        code="LIFE-FROZEN",
        title="The process stands still while its machine runs",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="The agent hangs, and the gateway ends it for lack of any frame",
        cause="The process was stopped (SIGSTOP, a debugger, a frozen container) or waits for a dead network disk",
        fix="Resume or restart the agent's process, whose state tells why it stands still",
        gateway_sees=(
            "The machine's kernel confirms everything at once, but no pong and no frame has come for two "
            "intervals and more"
        ),
        doctor_probes="The process is in state T or D; shows where each thread stands",
        confused_with=(
            ("LIFE-LOOP-BLOCKED", "There it recovers by itself"),
            ("LIFE-NO-PONG", "There messages still come"),
            ("LIFE-HALF-OPEN", "There nothing is confirmed, except by a proxy, behind which the two look alike"),
        ),
        guide=("issue-1",),
    ),
    Fault(
        code="LIFE-LOOP-BLOCKED",
        title="The agent's event loop is blocked by other work",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="`sent 1011 (internal error) keepalive ping timeout; no close frame received`",
        cause=(
            "The agent sleeps, waits for a subprocess or computes inside its event loop, and answers nobody meanwhile"
        ),
        fix="Move the blocking work out of the event loop, for example with `asyncio.to_thread`",
        gateway_sees=(
            "Pongs seconds late while the kernel confirms in milliseconds; after the gap a burst, with "
            "timestamps as old as the gap"
        ),
        doctor_probes="How late the agent's event loop is, if the agent reports it",
        confused_with=(
            ("LIFE-FROZEN", "There it never recovers by itself"),
            ("NET-PACKET-LOSS", "There packets are sent twice"),
            ("SRV-LOOP-LAG", "There many agents are late together: it is us"),
        ),
        guide=("issue-2",),
        seen=("python-websockets/websockets#625", "python-websockets/websockets#1318"),
    ),
    Fault(
        code="LIFE-NO-PONG",
        title="The client never answers pings",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Some servers end the connection at each ping timeout although the agent sends data",
        cause="A raw or very old client, or nobody reads the socket: pongs are sent only while somebody reads",
        fix="Keep a reader running all the time, or switch on the library's automatic pongs",
        gateway_sees=(
            "Messages flow, and not one pong on any connection of this client. Any frame counts as life, so it is kept"
        ),
        doctor_probes="Sends pings itself and counts the pongs; `holdfast check-agent` does so with the agent",
        confused_with=(("LIFE-FROZEN", "There no messages come either"),),
        seen=("websocket-client/websocket-client#733", "python-websockets/websockets#1318"),
    ),
    Fault(
        code="LIFE-SLOW-CONSUMER",
        title="The agent reads too slowly",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="The agent is cut off with 1013 while much is sent to it",
        cause="Its handler is slower than what arrives, or nobody reads",
        fix="Read in one task, work in another, and drop or merge what is out of date",
        gateway_sees="The peer's receive window is zero and our queue for it grows beyond its limit",
        doctor_probes="Unread bytes in the receive queue of the agent's socket",
        confused_with=(
            ("LIFE-HALF-OPEN", "There what we send is not confirmed at all"),
            ("LIFE-FROZEN", "There little was sent"),
        ),
        seen=("python-websockets/websockets#1128",),
    ),
    Fault(
        code="LIFE-CLOSED-1000",
        title="The agent says goodbye right after registering",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="The agent appears in `/agents` and is offline at once; its script reports success",
        cause="Its main function returns after registration, as that of a test script does",
        fix="Keep the connection open after registering, and send heartbeats",
        gateway_sees="Close code 1000 from the agent, the same short time after each registration",
        doctor_probes="`holdfast check-agent` shows that the agent leaves by itself",
        confused_with=(
            ("LIFE-NO-CLOSE-FRAME", "There no close frame comes"),
            ("LIFE-GOING-AWAY-1001", "There the code is 1001: a stop that was asked for"),
        ),
        guide=("step-4", "checklist-6"),
    ),
    Fault(
        code="LIFE-GOING-AWAY-1001",
        title="The peer is shutting down",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom='An orderly end with code 1001, and "stopping" in the agent\'s log',
        cause="A planned stop of the agent's service or its host",
        fix="Look who stops the agent's service, if nobody meant to",
        gateway_sees="Close code 1001 from the agent",
        doctor_probes="The stop in the service's log",
        confused_with=(("PXY-RELOAD", "There no close frame comes, and many end at once"),),
    ),
    Fault(
        code="LIFE-PROTOCOL-1002",
        title="The peer broke the WebSocket protocol",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Closed with 1002 and the rule that was broken",
        cause="Hand-written framing, a damaged stream, or a close with a code that must not be sent",
        fix="Use a maintained WebSocket library, and never send the codes 1005, 1006 or 1015",
        gateway_sees=(
            "The exact rule: an unmasked frame, reserved bits, an unknown opcode, a stray continuation, an "
            "oversized control frame"
        ),
        doctor_probes="Shows the frames as the library sends them; `holdfast check-agent` names the rule",
        confused_with=(
            ("WS-EXTENSION", "There only the compression bit is set"),
            ("MSG-INTERLEAVED", "There the first frames are right, and it happens only under load"),
        ),
        guide=("issue-2",),
        seen=("gorilla/websocket#424", "theturtle32/WebSocket-Node#254"),
    ),
    Fault(
        code="LIFE-UNSUPPORTED-1003",
        title="Closed because of the type of data",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="Closed with 1003",
        cause=(
            "A server that takes text alone got a binary frame. Holdfast answers those with an error instead of closing"
        ),
        fix="Send JSON as text frames",
        gateway_sees="The type of the frame; 1003 itself comes from another server or a proxy",
        doctor_probes="`holdfast check-agent` shows the frame and its place in the exchange",
        confused_with=(("MSG-BINARY", "That is the cause, and the code to report"),),
        beneath=("MSG-BINARY",),
        guide=("issue-5",),
    ),
    Fault(
        code="LIFE-POLICY-1008",
        title="Closed for breaking a rule that the reason names",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="Closed with 1008, or with a code from 4400 to 4599, and no reason in the agent's log",
        cause="The other side refused on purpose, and told why in the close reason, which many libraries do not print",
        fix="Log the close code and the close reason in the agent, and act on the fault code in it",
        gateway_sees=(
            "Our own closes carry 4400 to 4599 and a reason that begins with the fault code; a 1008 comes "
            "from a proxy or from the agent"
        ),
        doctor_probes="Prints code and reason",
        confused_with=(
            ("WS-FORBIDDEN-403", "There the refusal comes before the upgrade"),
            ("LIFE-INTERNAL-1011", "There we failed, not the agent"),
        ),
        beneath=(
            "LIFE-SILENT",
            "LIFE-PING-ONLY",
            "LIFE-NO-HEARTBEAT",
            "MSG-NOT-JSON",
            "MSG-FIELD-MISSING",
            "MSG-BEFORE-REGISTERED",
            "RATE-LIMITED",
            "ID-REVOKED",
            "LIFE-DUPLICATE-SESSION",
            "PXY-WAF-403",
        ),
        guide=("requirement-6",),
    ),
    Fault(
        code="LIFE-INTERNAL-1011",
        title="One side failed and said so with 1011",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.GATEWAY,
        kind=Kind.SYMPTOM,
        symptom="`1011 keepalive ping timeout`, or `internal error`",
        cause="If the agent sent it, it missed our pongs; if we sent it, an error of ours ended the connection",
        fix="Reconnect with backoff, and look who sent the 1011: that side gave up",
        gateway_sees=(
            "Received: the agent missed pongs, so our own lag and the path are checked. Sent: our error, with"
            " its id in the log"
        ),
        doctor_probes="The direction decides: \"sent 1011\" in a client's log is the client's own decision",
        confused_with=(("LIFE-POLICY-1008", "There the refusal was on purpose"),),
        beneath=("LIFE-LOOP-BLOCKED", "SRV-LOOP-LAG", "NET-PACKET-LOSS"),
        guide=("requirement-6",),
        seen=("python-websockets/websockets#1620", "Luna-Klatzer/openhiven.py#2"),
    ),
    Fault(
        code="LIFE-RESTART-1012",
        title="The gateway is restarting",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        kind=Kind.SYMPTOM,
        symptom="Closed with 1012 and a time to come back",
        cause="A planned restart. Agents are told different times, so that they do not all come back at once",
        fix="Reconnect after the `retry_after` given, or after a random delay",
        gateway_sees="Our own stop, in slices, each agent with its own `retry_after`",
        doctor_probes="Shows the last close code and reason, and the uptime of the gateway",
        confused_with=(("RATE-HERD", "That is what follows if agents ignore the time given"),),
        beneath=("SRV-RESTART",),
        guide=("requirement-6",),
    ),
    Fault(
        code="LIFE-OVERLOAD-1013",
        title="The gateway asks to be tried again later",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.GATEWAY,
        kind=Kind.SYMPTOM,
        symptom="Closed or answered with 1013 and a time to come back",
        cause="The gateway is full, late, or cannot write to its store",
        fix="Reconnect after the `retry_after` given, and let the operator act on the cause beneath",
        gateway_sees="Its own limit, named in the reason",
        doctor_probes="Shows the last close code and reason",
        confused_with=(("LIFE-RESTART-1012", "There the gateway's uptime is new"),),
        beneath=("SRV-MAX-CONNECTIONS", "SRV-LOOP-LAG", "SRV-DB-DOWN", "SRV-DISK-FULL", "LIFE-SLOW-CONSUMER"),
        guide=("requirement-6",),
    ),
    Fault(
        code="LIFE-CODE-1006-TEST",
        title="The agent waits for a close code 1006 that never comes",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="After a drop the agent prints `Connection closed: None - None` and stays away",
        cause=(
            "The agent reconnects only when the code equals 1006. That code is never sent, and libraries "
            "report it differently or not at all"
        ),
        fix="Reconnect after every close the agent did not ask for, whatever the code",
        gateway_sees="An end without a close frame and no return, while others return",
        doctor_probes="`holdfast check-agent` drops the connection once and waits for the agent to come back",
        confused_with=(("LIFE-NO-RECONNECT", "There the agent has no code to reconnect at all"),),
        guide=("issue-2", "requirement-6"),
    ),
    Fault(
        code="LIFE-NO-RECONNECT",
        title="The agent gives up after the first loss",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Offline after every restart of the gateway",
        cause="The agent has no reconnect loop, or limits its attempts",
        fix="Reconnect for ever, with random delays growing from 1 s to 60 s",
        gateway_sees="After our restart some hosts never return, and they share an agent version",
        doctor_probes=(
            "The process is alive, without a socket and without a retry; `holdfast check-agent` restarts the "
            "gateway once and waits"
        ),
        confused_with=(
            ("LIFE-AGENT-UNAWARE", "There the agent's socket still looks open"),
            ("LIFE-KILLED", "There no process is left"),
        ),
        guide=("issue-2", "requirement-6"),
        seen=("henrygd/beszel#1341",),
    ),
    Fault(
        code="LIFE-CLIENT-TIMEOUT",
        title="The agent's own receive timeout ends a healthy connection",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="`Connection timed out` after every N seconds of quiet",
        cause="The agent takes a receive timeout for a lost connection",
        fix="Send a ping when a receive times out, instead of closing",
        gateway_sees=(
            "The agent ends the connection after the same round number of quiet seconds, same instance; it "
            "differs by agent version, not by network"
        ),
        doctor_probes="`holdfast check-agent` times the end of a quiet connection without anything in between",
        confused_with=(
            ("PXY-IDLE-60", "There the time follows the network, not the agent's build"),
            ("PXY-IDLE-OTHER", "There the time follows the network, not the agent's build"),
        ),
        guide=("issue-2", "requirement-6"),
        seen=("websocket-client/websocket-client#429",),
    ),
    Fault(
        code="LIFE-DUPLICATE-SESSION",
        title="Two processes of one agent fight for its connection",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="The agent connects, is replaced (4509), connects again, for ever, on one host",
        cause=(
            "The agent runs twice on this host, usually as a service and by hand, with one key; the newer "
            "connection always wins"
        ),
        fix="Stop one of the two agent processes on this host, and take a lock file at start",
        gateway_sees=(
            "Same host and key, same address, two instance ids that take turns; each replacement is followed "
            "by the other's return"
        ),
        doctor_probes="Two agent processes on this host",
        confused_with=(("ID-CLONED", "There two machines share the key: other address, machine id or boot id"),),
        guide=("issue-C",),
        seen=("emqx/emqx#151", "clusterio/clusterio#350", "knolleary/pubsubclient#129"),
    ),
    Fault(
        code="LIFE-REBOOT",
        title="The host rebooted",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom="The agent was gone for the time of a reboot",
        cause="The host was restarted",
        fix="Enable the agent's service at boot if it did not come back by itself",
        gateway_sees="An end of any kind, then a new boot id",
        doctor_probes="The host's uptime",
        confused_with=(("LIFE-KILLED", "There the boot id is the same"),),
        guide=("issue-2",),
    ),
)
