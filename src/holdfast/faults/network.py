"""Name resolution and the network between host and gateway."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="NET-DNS-NXDOMAIN",
        title="The gateway's name does not exist",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom=(
            "`gaierror: [Errno -2] Name or service not known` (websocket-client: "
            "`WebSocketAddressException`); never one byte sent"
        ),
        cause="Name misspelt, record missing, or a private zone asked of a public resolver",
        fix="Correct the host in the agent's URL or create the record",
        gateway_sees="Nothing. Only absence: a host known from enrolment or inventory that never connects",
        doctor_probes=(
            "`getaddrinfo`; compare with the resolver list, search domains, the hosts file, and a query sent "
            "straight to each configured server"
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("henrygd/beszel#1341",),
    ),
    Fault(
        code="NET-DNS-TIMEOUT",
        title="The resolver does not answer",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="`[Errno -3] Temporary failure in name resolution` after 5-10 s or more; often only at boot",
        cause="First resolver unreachable, UDP 53 filtered, or the agent started before the network",
        fix="Remove the dead resolver or order the service after `network-online.target`",
        gateway_sees="Nothing, or the first connect comes minutes after the host's boot time given in `init`",
        doctor_probes="Time each resolver separately over UDP and TCP 53; report the dead one by address",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("henrygd/beszel#1341",),
    ),
    Fault(
        code="NET-DNS-STALE",
        title="The agent keeps dialling an old address",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "Works after a restart of the agent; otherwise `Connection timed out` to an address that is no "
            "longer the gateway's"
        ),
        cause="The agent (or its resolver cache) resolved once and reuses the address for ever",
        fix="Resolve again at every reconnect and honour the TTL",
        gateway_sees=(
            "After a move or failover a subset of hosts never returns while others do; the missing ones share"
            ' "process started before the move"'
        ),
        doctor_probes="Compare the address in the agent's open or last socket with a fresh lookup and the TTL",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("wazuh/wazuh#4361", "firezone/firezone#10817"),
    ),
    Fault(
        code="NET-IPV6-FIRST",
        title="The name resolves to IPv6 first and the gateway listens on IPv4 only",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.OPERATOR,
        symptom=(
            "`ECONNREFUSED ::1:8080`, or a fixed delay before each connect; `127.0.0.1` works where `localhost` fails"
        ),
        cause="AAAA record (or `::1 localhost`) without a listener on it; the client has no happy-eyeballs fallback",
        fix="Listen on both families, or remove the AAAA record",
        gateway_sees="Nothing on the refused family, or all connects late by the same fallback delay",
        doctor_probes="Try every address of the answer separately, per family, and print a table",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websockets/ws#2078", "vi/websocat#194"),
    ),
    Fault(
        code="NET-CONN-REFUSED",
        title="Nothing listens on that host and port",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="`ConnectionRefusedError: [Errno 111]` at once",
        cause="Gateway not running, bound to loopback only, or wrong host or port",
        fix="Start the gateway, bind it to an address the agent can reach, or correct the port",
        gateway_sees="Nothing. If the gateway runs, it can still say on which addresses it listens",
        doctor_probes=(
            "Connect is refused within one round trip; then probe 8080, 8083, 80, 443 of the same host, and "
            "ask `/health`"
        ),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
        seen=("websockets/wscat#144",),
    ),
    Fault(
        code="NET-CONN-TIMEOUT",
        title="Packets to the gateway are dropped",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom=(
            "Hangs until the client's own timeout: `TimeoutError: timed out during opening handshake` or `[Errno 110]`"
        ),
        cause="Firewall or security group drops the port, wrong route, or a full conntrack table",
        fix="Open outbound TCP from the agent's network to the gateway's port",
        gateway_sees="Nothing (SYN never arrives), or SYN_RECV entries if only the return path drops",
        doctor_probes=(
            "TCP connect hangs where DNS works; traceroute with TCP SYN to the port; compare with another "
            "port of the same host"
        ),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-UNREACHABLE",
        title="No route",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom="`[Errno 101] Network is unreachable` or `[Errno 113] No route to host` at once",
        cause="No default route, interface down, VPN down, or an ICMP reject",
        fix="Bring up the interface or VPN, or add the route",
        gateway_sees="Nothing",
        doctor_probes=(
            '`ip route get <address>`; errno separates "no route here" (101) from "a router or host said so" (113)'
        ),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-WRONG-PORT",
        title="The agent talks to the Actions API port, or REST to the gateway port",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="404 `page not found`; a JSON parser then fails with \"invalid character 'p' after top-level value\"",
        cause="8080 (WebSocket gateway) and 8083 (Actions API) exchanged in the agent's configuration",
        fix="Use `ws://host:8080/ws/agent` for agents and `http://host:8083` for API calls",
        gateway_sees=(
            "Requests for `/agents/register/init` or other API paths on 8080, or on 8083 requests with "
            "`Upgrade: websocket`"
        ),
        doctor_probes=(
            "Fetch `/health` on 8080 and `/healthz` on 8083: each names its service, so swapped ports are certain"
        ),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-CONTAINER-LOCALHOST",
        title="`localhost` inside a container is the container",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`ECONNREFUSED 127.0.0.1:8080` although the gateway answers on the host's 8080",
        cause="The agent runs in a container or netns; loopback is private to it",
        fix="Use the host's address or the service name, or run the agent in the host's network",
        gateway_sees="Nothing",
        doctor_probes=(
            "The URL is a loopback address and the process is in another network namespace (cgroup or "
            "namespace inode differs from pid 1's)"
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("oven-sh/bun#9110",),
    ),
    Fault(
        code="NET-MTU-BLACKHOLE",
        title="Small messages pass, large ones vanish",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom=(
            "Connect and heartbeats work, then `init` with a large inventory or the TLS handshake hangs; "
            "typical on VPNs"
        ),
        cause='ICMP "fragmentation needed" is filtered, so path MTU discovery fails',
        fix="Lower the interface MTU (for example 1380) or clamp MSS on the VPN; set `net.ipv4.tcp_mtu_probing=1`",
        gateway_sees=(
            "Connection established, then no data; `tcpi_rcv_mss` stays small; on our own sends `retransmits`"
            " grows only for large segments while earlier small ones were acknowledged"
        ),
        doctor_probes=(
            "Path MTU probe (send with DF, falling sizes); send 200, 1000, 1400, 1500 bytes to an echo "
            "endpoint and report the largest that returns"
        ),
        guide=("issue-1", "flow-1", "log-1", "checklist-1"),
        seen=("passteque/gluetun#1989", "microsoft/WSL#4698"),
    ),
    Fault(
        code="NET-PACKET-LOSS",
        title="A lossy or overloaded link",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom="Irregular `keepalive ping timeout`; slow registration; reconnects at random times",
        cause="Wi-Fi, mobile or overloaded uplink loses packets",
        fix="Repair the link; meanwhile give the agent a ping timeout of three missed pings rather than one",
        gateway_sees=(
            "`total_retrans/segs_out` above 2 %, `rttvar` high, both directions; disconnect intervals not regular"
        ),
        doctor_probes="50 pings and 50 TCP echoes: loss, jitter, compare with the default gateway to find the hop",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("python-websockets/websockets#1620",),
    ),
    Fault(
        code="NET-NAT-IDLE",
        title="NAT or a stateful firewall forgets an idle flow",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom=(
            "After minutes of quiet the agent still believes it is connected; nothing arrives. Or "
            "`ECONNRESET` on the next send"
        ),
        cause=(
            "The middlebox drops its mapping after T seconds without packets (mobile carriers 30 s to 5 min; NLB 350 s)"
        ),
        fix="Send a heartbeat or ping every 20-25 s, below T/2",
        gateway_sees=(
            "Lives until the first quiet period longer than T, then on our next send `unacked>0`, "
            "`retransmits` grows; T repeats over connections of the same egress IP; traffic within T never "
            "fails"
        ),
        doctor_probes=(
            "Hold test connections idle for 30, 60, 120, 300, 600 s and send one byte; report the longest that survived"
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("erebe/wstunnel#6", "Kewton/CommandMate#2502"),
    ),
    Fault(
        code="NET-FW-RST",
        title="A firewall or DPI box resets the connection",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom="`ConnectionResetError: [Errno 104]` right after the upgrade request or after N seconds",
        cause="A security device forbids WebSocket or unknown protocols on this port",
        fix="Use `wss://` on 443, or allow the traffic in the device",
        gateway_sees=(
            "RST without any close frame although the agent claims not to have closed; or RST seen before any"
            " frame from this network only"
        ),
        doctor_probes=(
            "Plain TCP and HTTP to the port work, the same with `Upgrade: websocket` is reset; TLS on 443 works"
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("websockets/wscat#42",),
    ),
)
