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
            "The agent fails before it sends a byte: `[Errno -2] Name or service not known`, `getaddrinfo "
            "ENOTFOUND`, `no such host`"
        ),
        cause=(
            "The host name in the agent's URL is misspelt, has no record, or is known only to a resolver this"
            " machine does not ask (a private zone, a VPN)"
        ),
        fix="Correct the host in the agent's URL, or create the DNS record it names",
        gateway_sees=(
            "Nothing. Only an absence: a host that is expected, or was seen before, and has not reached this "
            "gateway since"
        ),
        doctor_probes=(
            "Resolves the name as the agent would, then asks each configured resolver by itself and shows "
            "search domains and the hosts file"
        ),
        confused_with=(
            ("NET-DNS-TIMEOUT", "There no resolver answers (error -3, after seconds); here the answer is no, at once"),
            ("NET-DNS-STALE", "There the name has an address, only not the gateway's"),
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
        symptom="`[Errno -3] Temporary failure in name resolution` after 5 to 10 s, often only while the machine boots",
        cause=(
            "The first resolver in the list is dead or filtered (UDP 53), or the agent started before the "
            "network was up"
        ),
        fix="Remove the dead resolver, or start the agent after `network-online.target`, and let it retry",
        gateway_sees="Nothing, or a first connection minutes after the start that the host reports",
        doctor_probes=(
            "Times every configured resolver by itself over UDP and TCP and names the dead one by its address"
        ),
        confused_with=(
            ("NET-DNS-NXDOMAIN", "There the answer comes at once and is no"),
            ("NET-CONN-TIMEOUT", "There the name resolves and the connection hangs"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("henrygd/beszel#1341",),
    ),
    Fault(
        code="NET-DNS-STALE",
        title="The agent keeps dialling an old address",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Connections time out to an address that is no longer the gateway's; a restart of the agent cures it",
        cause="The agent, or a cache on its host, resolved the name once and keeps that address for ever",
        fix="Resolve the gateway's name again at every connection attempt",
        gateway_sees=(
            "After a move of the gateway some hosts never return while others do; the missing ones started "
            "before the move"
        ),
        doctor_probes="Compares the address the agent last used with a fresh answer and its time to live",
        confused_with=(
            ("NET-CONN-TIMEOUT", "There a fresh lookup gives the same address that the agent dials"),
            ("SRV-GATEWAY-DOWN", "There no agent gets through, whatever address it uses"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("wazuh/wazuh#4361", "firezone/firezone#10817"),
    ),
    Fault(
        code="NET-IPV6-FIRST",
        title="The name resolves to IPv6 first, where nothing listens",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.OPERATOR,
        symptom=(
            "`ECONNREFUSED ::1:8080`, or every connection starts with the same delay; `127.0.0.1` works where"
            " `localhost` fails"
        ),
        cause=(
            "The name has an IPv6 address without a listener behind it, and the client does not try the next "
            "address, or tries it late"
        ),
        fix="Listen on IPv6 as well, remove the AAAA record, or use the IPv4 address in the URL",
        gateway_sees=(
            "Nothing on the family that is refused; at best every connection of that host late by the same delay"
        ),
        doctor_probes="Connects to every address of the answer separately and prints one line for each",
        confused_with=(("NET-CONN-REFUSED", "There every address of the name refuses"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websockets/ws#2078", "vi/websocat#194"),
    ),
    Fault(
        code="NET-CONN-REFUSED",
        title="Nothing listens on that host and port",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.OPERATOR,
        symptom="`[Errno 111] Connection refused`, at once",
        cause="The gateway is not running, listens on loopback only, or the agent's URL has the wrong host or port",
        fix="Start the gateway, bind it with `--host` to an address the agent reaches, or correct the URL",
        gateway_sees="Nothing. A gateway that runs can still say on which addresses it listens",
        doctor_probes=(
            "Is refused within one round trip; then tries 8080, 8083, 80 and 443 of the same host and asks "
            "each for `/health`"
        ),
        confused_with=(
            ("NET-FW-RST", "There a firewall refuses, after the connection was open or only for some traffic"),
            ("SRV-GATEWAY-DOWN", "There all agents are refused, not only this one"),
            ("NET-CONTAINER-LOCALHOST", "There the URL says `localhost` and the agent runs in a container"),
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
            "The connection hangs until the client gives up: `timed out during opening handshake`, `[Errno "
            "110] Connection timed out`"
        ),
        cause=(
            "A firewall or security group drops the port, the route is wrong, or a connection table on the way is full"
        ),
        fix="Open outbound TCP from the agent's network to the gateway's port",
        gateway_sees="Nothing: no packet arrives, or half-open connections if only the way back is closed",
        doctor_probes="The name resolves and the TCP connection hangs; compares with another port of the same host",
        confused_with=(
            ("NET-CONN-REFUSED", "There the refusal comes at once"),
            ("WS-HANDSHAKE-SLOW", "There TCP connects and the upgrade hangs"),
            ("NET-DNS-TIMEOUT", "There no address is known yet"),
            ("SRV-BACKLOG", "There the gateway counts connections dropped from its accept queue"),
        ),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-UNREACHABLE",
        title="There is no route to the gateway",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom="`[Errno 101] Network is unreachable` or `[Errno 113] No route to host`, at once",
        cause="No default route, an interface or VPN that is down, or a router that says no",
        fix="Bring up the interface or the VPN, or add the route to the gateway's network",
        gateway_sees="Nothing",
        doctor_probes=(
            'Tells "no route on this host" (errno 101) from "a router or the target said so" (errno 113) and '
            "shows the route that applies"
        ),
        confused_with=(("NET-CONN-TIMEOUT", "There the connection hangs; here the error comes at once"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-WRONG-PORT",
        title="The ports of the gateway and the Actions API are exchanged",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "HTTP 404 or a page where the agent expected an upgrade; or a REST client gets an answer it cannot parse"
        ),
        cause=(
            "Agents belong on the WebSocket Gateway (8080) and REST calls on the Actions API (8083); this "
            "client has them the other way round"
        ),
        fix="Connect agents to `ws://HOST:8080/ws/agent`, and send REST calls to `http://HOST:8083`",
        gateway_sees=(
            "On the gateway, requests for paths of the Actions API; on the Actions API, requests with "
            "`Upgrade: websocket`"
        ),
        doctor_probes=(
            "Asks `/health` on the one and `/healthz` on the other port: each names its service, so an "
            "exchange is certain"
        ),
        confused_with=(("WS-WRONG-PATH", "There the port is right and the path is wrong"),),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="NET-CONTAINER-LOCALHOST",
        title="`localhost` inside a container is the container itself",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="`Connection refused` on `127.0.0.1:8080`, although the gateway answers on the host's 8080",
        cause="The agent runs in a container or another network namespace, and loopback is private to it",
        fix="Use the host's address or the gateway's service name in the agent's URL",
        gateway_sees="Nothing",
        doctor_probes=(
            "The URL is a loopback address and the process is in another network namespace than the host's "
            "first process"
        ),
        confused_with=(("NET-CONN-REFUSED", "There the port is closed on the host as well"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("oven-sh/bun#9110",),
    ),
    Fault(
        code="NET-MTU-BLACKHOLE",
        title="Small messages pass, large ones vanish",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom="Connecting and heartbeats work, but a large init or the TLS handshake hangs; typical on VPNs",
        cause=(
            'The path carries only smaller packets, and the message that would say so ("fragmentation '
            'needed") is filtered away'
        ),
        fix="Lower the interface MTU (for example to 1380) or clamp the MSS on the VPN",
        gateway_sees="A connection and then no data; when Holdfast sends, only large segments are sent again and again",
        doctor_probes="Sends 200, 1000, 1400 and 1500 bytes and more, and reports the largest that came back",
        confused_with=(
            ("LIFE-SILENT", "There nothing is sent at all, and nothing has to be sent twice"),
            ("MSG-TOO-BIG", "There the answer is close code 1009; here nothing comes"),
        ),
        guide=("issue-1", "flow-1", "log-1", "checklist-1"),
        seen=("passteque/gluetun#1989", "microsoft/WSL#4698"),
    ),
    Fault(
        code="NET-PACKET-LOSS",
        title="The link loses packets",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom="`keepalive ping timeout` now and then, slow registration, reconnects at irregular times",
        cause="Wi-Fi, a mobile network or a full uplink loses more than a few packets in a hundred",
        fix="Repair the link, and let the agent give up after three missed pings instead of one",
        gateway_sees=(
            "More than 2 % of the segments sent twice, in both directions; the times between disconnects follow no rule"
        ),
        doctor_probes="Pings the gateway 50 times and reports loss and jitter",
        confused_with=(
            ("LIFE-HALF-OPEN", "There the silence is total"),
            (
                "LIFE-LOOP-BLOCKED",
                "There the agent's kernel confirms at once and nothing is sent twice; only the program is late",
            ),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("python-websockets/websockets#1620",),
    ),
    Fault(
        code="NET-NAT-IDLE",
        title="A NAT or firewall forgets quiet connections",
        area=Area.NETWORK,
        severity=Severity.WARNING,
        blame=Blame.NETWORK,
        symptom=(
            "After some minutes of quiet nothing arrives although the agent believes it is connected; or its "
            "next send gets `ECONNRESET`"
        ),
        cause="A box on the way drops its entry after a fixed time without packets (mobile networks: 30 s to 5 min)",
        fix="Send a heartbeat at least every 25 s, below half the time the path allows",
        gateway_sees=(
            "The connection dies in the first quiet period longer than T, the same T for all connections from"
            " that network; what is sent then is never confirmed. Holdfast then lowers this agent's "
            "`heartbeat_interval`"
        ),
        doctor_probes=(
            "Holds test connections idle for longer and longer (`--idle`), sends one byte, and reports the "
            "longest that survived"
        ),
        confused_with=(
            ("PXY-IDLE-OTHER", "There a proxy ends the connection visibly; here it is only forgotten"),
            ("LIFE-HALF-OPEN", "Same evidence once; the time T that repeats is what makes it this"),
            ("LIFE-SLEEP", "There the host itself was asleep, for a different time each time"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("erebe/wstunnel#6", "Kewton/CommandMate#2502"),
    ),
    Fault(
        code="NET-FW-RST",
        title="A firewall resets the connection",
        area=Area.NETWORK,
        severity=Severity.ERROR,
        blame=Blame.NETWORK,
        symptom="`[Errno 104] Connection reset by peer` right after the upgrade request, or always after the same time",
        cause="A security device forbids WebSocket, or protocols it does not know, on this port",
        fix="Use `wss://` on port 443, or have WebSocket traffic to this port allowed",
        gateway_sees=(
            "A reset without a close frame that the agent says it did not send; or resets before the first "
            "frame, from this network only"
        ),
        doctor_probes=(
            "Plain HTTP to the port works and the same request with `Upgrade: websocket` is reset; TLS on 443 works"
        ),
        confused_with=(
            ("LIFE-KILLED", "There too a reset may come; the next connection has a new instance id"),
            ("PXY-UPGRADE-STRIPPED", "There an HTTP answer comes instead of a reset"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("websockets/wscat#42",),
    ),
)
