"""Staying connected, falling silent and ending."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Kind, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="LIFE-SILENT",
        title="Agent connects and never sends a message",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='Closed by the gateway; older gateway: after 5 minutes, "i/o timeout" in its log and 1006 at the agent',
        cause=(
            "No send in the open handler: registration flow missing, waiting for a server greeting, or the "
            "handler raised"
        ),
        fix="Send `agent.registration` at once after the connection opens",
        gateway_sees=(
            "101 sent, zero data frames, pongs arrive (process is healthy), `unacked=0`; deadline passes. We "
            "close with 1008 and reason `first message expected within 5 s, see LIFE-SILENT`"
        ),
        doctor_probes="Runs the agent's own connect and shows that nothing is written after `on_open`",
        guide=("issue-1", "issue-4", "issue-A", "flow-2", "log-2", "checklist-2", "requirement-1"),
    ),
    Fault(
        code="LIFE-PING-ONLY",
        title="Only WebSocket pings, no message",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"I send keep-alives and am still closed after 5 minutes."',
        cause=(
            "Protocol pings are not messages; in the reference gateway (gorilla) pings do not even move the "
            "read deadline, so a client that pings dies all the same"
        ),
        fix="Send the registration message; pings only keep the path open",
        gateway_sees="Ping frames at a fixed interval (20 s: websockets, gorilla default none), zero data frames",
        doctor_probes="Shows the last close code and reason with its direction from the agent's log",
        guide=("issue-1", "issue-A", "checklist-2", "requirement-1"),
    ),
    Fault(
        code="LIFE-NO-HEARTBEAT",
        title="Registered, then no heartbeat",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Shown as stale or closed after the heartbeat timeout",
        cause="Heartbeat task not started, died with an unseen exception, or interval longer than the gateway's",
        fix="Start the heartbeat after `complete` and log its exceptions; take the interval from the response",
        gateway_sees="Registration done, no data frame for 3 heartbeat intervals, pongs fine",
        doctor_probes="Timer or thread of the heartbeat not running; last heartbeat time in the agent's log",
        guide=("checklist-6",),
    ),
    Fault(
        code="LIFE-HALF-OPEN",
        title="Peer vanished without FIN",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom="Agent's side: host lost power, cable, Wi-Fi roaming; nothing to see",
        cause="Power loss, link loss, VM frozen by the hypervisor, or NAT forgot the flow",
        fix="Nothing on the gateway; agent: ping timeout and reconnect",
        gateway_sees=(
            "No pong and no ack: `unacked>=1`, `backoff` climbs 1,2,3, `last_ack_recv` grows with the time, "
            "`sincepong` equal to it (verified). Only on a direct connection"
        ),
        doctor_probes="Run later: uptime and link history explain it",
        guide=("issue-1", "issue-2"),
        seen=("larksuite/openclaw-lark#599", "librefang/librefang#8276", "nodetool-ai/nodetool#4592"),
    ),
    Fault(
        code="LIFE-AGENT-UNAWARE",
        title="Gateway dropped it, agent believes it is connected",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Host offline for hours, agent's log silent, restart cures it",
        cause="Agent has no ping timeout, so a dead path never raises",
        fix="Set ping interval 20 s and ping timeout 20 s in the agent; reconnect on it",
        gateway_sees=(
            "Connection ended long ago; host reachable by other channels (API calls with recent time); no attempt since"
        ),
        doctor_probes=(
            "Agent's socket is ESTABLISHED here, unknown on the gateway (`/agents/{id}` says disconnected "
            "since T); no ping configured"
        ),
        guide=("requirement-6",),
        seen=("PatchMon/PatchMon#773", "PatchMon/PatchMon#847"),
    ),
    Fault(
        code="LIFE-NO-CLOSE-FRAME",
        title="Agent ends without closing handshake",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="Gateway log: `close 1006 (abnormal closure): unexpected EOF`",
        cause=(
            "Process ended (`sys.exit`, exception, container stop) or library closes the TCP socket only. "
            '1006 is never on the wire: it only says "no close frame"'
        ),
        fix="Close with code 1000 or 1001 in the shutdown path (SIGTERM handler)",
        gateway_sees=(
            "FIN, no close frame, path direct or agent's other behaviour normal; new instance id at "
            "reconnect, or clean exit cadence"
        ),
        doctor_probes="Exit code and signal of the last run from the service manager",
        guide=("issue-2",),
        seen=("gorilla/websocket#645", "gorilla/websocket#321", "Terry-Mao/goim#214"),
    ),
    Fault(
        code="LIFE-KILLED",
        title="Process killed (SIGKILL)",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.HOST,
        symptom='"Killed" in the service log',
        cause="Operator, supervisor timeout, or OOM killer",
        fix="Find the killer in the service log; raise its stop timeout if it was a slow shutdown",
        gateway_sees=(
            "FIN at once (idle process) or RST (it had unread data): verified both. Frames were healthy until"
            " that millisecond; next connect has a new instance id, same boot id"
        ),
        doctor_probes="Service manager: `code=killed, signal=KILL`",
        guide=("issue-2",),
        seen=("Terry-Mao/goim#214",),
    ),
    Fault(
        code="LIFE-OOM",
        title="Killed for memory",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="Disappears under load; restarts",
        cause="Memory limit too low or leak",
        fix="Raise the limit or fix the leak; heartbeat should carry RSS and limit",
        gateway_sees="As LIFE-KILLED, plus heartbeat's memory figure rose before (if sent), interval similar each time",
        doctor_probes="`oom_kill` counter in the cgroup's `memory.events`, kernel log",
        guide=("issue-2",),
    ),
    Fault(
        code="LIFE-CRASH-LOOP",
        title="Agent crashes again and again",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Service manager restarts it",
        cause="Exception in the handler of the frame named",
        fix='Fix the exception: "dies n ms after receiving X"',
        gateway_sees=(
            "Connect-to-death age is short and similar (spread < 20 %), always after the *same frame* (for "
            "example our init response), new instance id each time; gaps follow the supervisor: systemd "
            "constant 100 ms then a stop after 5 in 10 s, docker 0.1 s doubling to 60 s, Kubernetes 10 s "
            "doubling to 300 s"
        ),
        doctor_probes="Traceback in the service log, restart count",
        guide=("issue-2", "issue-B", "issue-C", "log-4", "checklist-4"),
        seen=("DataDog/datadog-agent#22728",),
    ),
    Fault(
        code="LIFE-SLEEP",
        title="Laptop or VM slept",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom="Offline overnight, back in the morning",
        cause="Suspend",
        fix="None needed; reconnect on resume (watch for a wall-clock jump above 30 s)",
        gateway_sees=(
            "Half-open at a human hour, then return with same instance id, same boot id; agent's monotonic "
            "clock advanced much less than wall time"
        ),
        doctor_probes="CLOCK_BOOTTIME minus CLOCK_MONOTONIC grew by the gap",
        seen=("soimy/openclaw-channel-dingtalk#280", "superset-sh/superset#5130", "wireapp/wire-webapp#21477"),
    ),
    Fault(
        code="LIFE-FROZEN",
        title="Process stopped but its kernel answers",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="Agent hangs, gateway reports keepalive timeout",
        cause="SIGSTOP, debugger, D-state on a dead NFS mount, cgroup freezer",
        fix="Resume or restart the process; name the state",
        gateway_sees=(
            "`unacked=0`, retransmits 0, acks fresh, no pong for > 2 intervals (verified with SIGSTOP); "
            "`snd_wnd` shrinks if we keep sending"
        ),
        doctor_probes="Process state T or D in /proc, stack of each thread",
        guide=("issue-1",),
    ),
    Fault(
        code="LIFE-LOOP-BLOCKED",
        title="Event loop blocked by synchronous work",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="`sent 1011 (internal error) keepalive ping timeout; no close frame received`",
        cause="`time.sleep`, `subprocess.run`, big JSON or crypto in the loop",
        fix="Move the work into a thread (`asyncio.to_thread`)",
        gateway_sees=(
            "Pong delays of seconds while TCP acks in milliseconds; bursts after the gap; message timestamps "
            "older than arrival by the gap"
        ),
        doctor_probes="Loop lag probe in the agent (`loop.slow_callback_duration`), stack sample during the gap",
        seen=("python-websockets/websockets#625", "python-websockets/websockets#1318"),
    ),
    Fault(
        code="LIFE-NO-PONG",
        title="Client never answers pings",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="Closed every interval+timeout although it sends data",
        cause=(
            "Raw or very old client, or the reader is not running: pongs are only sent while someone reads "
            "(websocket-client outside `run_forever`)"
        ),
        fix="Keep a reader running or enable automatic pongs",
        gateway_sees=(
            "Data frames flow, no pong ever on any connection of this client (User-Agent); accept any frame "
            "as life, warn instead of closing"
        ),
        doctor_probes="Sends a ping to the agent's library in loopback",
        seen=("websocket-client/websocket-client#733", "python-websockets/websockets#1318"),
    ),
    Fault(
        code="LIFE-SLOW-CONSUMER",
        title="Agent reads too slowly",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Cut with 1008/1013 or memory grows on the gateway",
        cause="Handler slower than the stream, or nobody reads",
        fix="Process in a worker, drop or coalesce; gateway bounds the queue",
        gateway_sees=(
            "`snd_wnd=0`, `notsent` and `outq` grow, `unacked=0`, zero-window probes (`backoff` counts, "
            "`probes` may stay 0: verified), our queue above its limit"
        ),
        doctor_probes="Recv-Q of the agent's socket is large in `ss`",
        seen=("python-websockets/websockets#1128",),
    ),
    Fault(
        code="LIFE-CLOSED-1000",
        title="Agent says goodbye (1000) after registering",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom='Appears in `/agents`, then offline; script "works"',
        cause="The guide's own test script closes 2 s after success; authors copy it",
        fix="Keep the connection open and start heartbeats",
        gateway_sees="Close 1000 a constant time (2 s in the guide's script) after complete",
        doctor_probes="Agent's main function returns",
        guide=("step-4", "checklist-6"),
    ),
    Fault(
        code="LIFE-GOING-AWAY-1001",
        title="Peer is shutting down (1001)",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom="Agent's log: stopping; from outside, an orderly end with code 1001",
        cause="Planned stop",
        fix="None; if unplanned, look who stops the service",
        gateway_sees="Close 1001 from the agent at service stop; from us at drain",
        doctor_probes="Service stop in its log",
    ),
    Fault(
        code="LIFE-PROTOCOL-1002",
        title="Protocol violation",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Closed with 1002 and a reason",
        cause="Hand-written framing, damaged stream, or close called with 1006",
        fix="Use a maintained library; never send 1005, 1006 or 1015",
        gateway_sees=(
            "Exact rule: unmasked client frame, reserved bits, unknown opcode, continuation without start, "
            "control frame > 125 bytes or fragmented, reserved close code such as 1006 on the wire (verified "
            "each)"
        ),
        doctor_probes="Library name and version",
        seen=("gorilla/websocket#424", "theturtle32/WebSocket-Node#254"),
    ),
    Fault(
        code="LIFE-UNSUPPORTED-1003",
        title="Data type not accepted (1003)",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="Closed 1003",
        cause="See MSG-BINARY",
        fix="Send JSON as a text frame",
        gateway_sees='Binary frame where policy is "text only, close"',
        doctor_probes="`holdfast check-agent` shows the same error with the full frame and its position",
    ),
    Fault(
        code="LIFE-POLICY-1008",
        title="Closed for policy",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        kind=Kind.SYMPTOM,
        symptom="Closed 1008 with reason code",
        cause="The code in the reason",
        fix="Log close code *and* reason in the agent",
        gateway_sees="We sent it; the reason carries the diagnosis code (<= 123 bytes)",
        doctor_probes="Prints the reason. Many libraries hide it from the default log",
    ),
    Fault(
        code="LIFE-INTERNAL-1011",
        title="1011 from one side",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.GATEWAY,
        kind=Kind.SYMPTOM,
        symptom="`1011 keepalive ping timeout` or `internal error`",
        cause="Ping timeout in the side that sent it, or an exception in a handler",
        fix="If received: check SRV-LOOP-LAG and loss; if sent: our bug, see traceback id",
        gateway_sees=(
            '*Received* 1011 "keepalive ping timeout": the agent missed our pongs (our lag or the path); '
            "*sent*: our handler failed"
        ),
        doctor_probes='Direction matters: "sent 1011" in a client log is the client\'s own decision',
        seen=("python-websockets/websockets#1620", "Luna-Klatzer/openhiven.py#2"),
    ),
    Fault(
        code="LIFE-RESTART-1012",
        title="Service restart (1012)",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        kind=Kind.SYMPTOM,
        symptom="Closed 1012",
        cause="Planned restart",
        fix="Reconnect after a random delay",
        gateway_sees="We restart; tell a spread reconnect time",
        doctor_probes="Shows the last close code and reason with its direction from the agent's log",
    ),
    Fault(
        code="LIFE-OVERLOAD-1013",
        title="Try again later (1013)",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.GATEWAY,
        kind=Kind.SYMPTOM,
        symptom="Closed 1013",
        cause="SRV-MAX-CONNECTIONS or SRV-LOOP-LAG",
        fix="Backoff in the agent, capacity on the server",
        gateway_sees="Our load shedding: which limit",
        doctor_probes="Shows the last close code and reason with its direction from the agent's log",
    ),
    Fault(
        code="LIFE-CODE-1006-TEST",
        title="Agent's reconnect waits for a code 1006 that never comes",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="After a drop the agent prints `Connection closed: None - None` and stays off",
        cause=(
            "The guide's sample compares `close_status_code == 1006`; websocket-client passes `None` "
            "(verified 1.9.2, FIN and RST), websockets raises with `code 1006` only as property"
        ),
        fix="Reconnect on every close that the agent did not ask for, whatever the code",
        gateway_sees="Ended by FIN, no return, while its siblings return",
        doctor_probes="Searches the agent's source for `== 1006`",
        guide=("issue-2", "requirement-6"),
    ),
    Fault(
        code="LIFE-NO-RECONNECT",
        title="Agent gives up after the first loss",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Offline after any gateway restart",
        cause="No reconnect loop, or attempts limited",
        fix="Loop for ever with backoff 1-60 s and full jitter",
        gateway_sees="After our restart k of n hosts never return; k have the same agent version",
        doctor_probes="Process alive, no socket, no retry in the log",
        guide=("issue-2", "requirement-6"),
        seen=("henrygd/beszel#1341",),
    ),
    Fault(
        code="LIFE-CLIENT-TIMEOUT",
        title="Agent's own receive timeout ends a healthy connection",
        area=Area.LIFECYCLE,
        severity=Severity.WARNING,
        blame=Blame.AGENT,
        symptom="`Connection timed out` every N seconds of quiet",
        cause="Receive timeout treated as a lost connection",
        fix="On timeout send a ping instead of closing",
        gateway_sees=(
            "Close (1000 or FIN) from the agent at constant idle N that is a round number, direct path, same "
            "instance id; differs by agent version, not by network"
        ),
        doctor_probes="`timeout=` in `create_connection` or `recv`",
        seen=("websocket-client/websocket-client#429",),
    ),
    Fault(
        code="LIFE-DUPLICATE-SESSION",
        title="Two processes of one agent fight for the session",
        area=Area.LIFECYCLE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="Connects, is evicted, reconnects, for ever, on one host",
        cause="Agent started twice",
        fix="Stop one; take a lock file at start",
        gateway_sees=(
            "Same host_id and key, same peer IP, two instance ids alternate; each eviction is followed by a "
            "connect of the other within its backoff"
        ),
        doctor_probes="Two agent processes on this host (service plus a hand-started one)",
        guide=("issue-C",),
        seen=("emqx/emqx#151", "clusterio/clusterio#350", "knolleary/pubsubclient#129"),
    ),
    Fault(
        code="LIFE-REBOOT",
        title="Host rebooted",
        area=Area.LIFECYCLE,
        severity=Severity.INFO,
        blame=Blame.NOBODY,
        symptom="n/a",
        cause="Reboot",
        fix="None; enable the service at boot if it did not return",
        gateway_sees="FIN, RST or half-open, then a new boot id and small uptime",
        doctor_probes="Uptime",
    ),
)
