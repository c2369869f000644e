"""Proxies, balancers and inspection boxes on the way."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="PXY-UPGRADE-STRIPPED",
        title="A proxy removes the upgrade headers",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="HTTP 400 or 426 on the upgrade; it works when the agent connects past the proxy",
        cause="A reverse proxy without WebSocket settings passes the request on without `Upgrade` and `Connection`",
        fix='Set `proxy_http_version 1.1` and pass `Upgrade` and `Connection "upgrade"` on in the proxy',
        gateway_sees=(
            "`Sec-WebSocket-Key` and `-Version` without `Upgrade`, often as HTTP/1.0 and with `Via` or "
            "`X-Forwarded-For`"
        ),
        doctor_probes=(
            "The same request gets 101 directly and 400 or 426 through the proxy; prints the `Server` header "
            "of each answer"
        ),
        confused_with=(
            ("WS-PLAIN-HTTP", "There `Sec-WebSocket-Key` is missing as well: the client never asked for an upgrade"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("gorilla/websocket#507", "m1k1o/neko#116", "websockets/wscat#42", "g0ldyy/comet#581"),
    ),
    Fault(
        code="PXY-IDLE-60",
        title="A proxy closes after 60 s without traffic",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="The connection ends exactly 60 s after the last message, with code 1006 and no reason",
        cause=(
            "The idle timeout of a proxy or balancer: 60 s is the default of nginx (`proxy_read_timeout`) and"
            " of AWS ALB"
        ),
        fix="Send a heartbeat every 25 s, or raise the idle timeout of the proxy",
        gateway_sees=(
            "The connection ends without a close frame 60 s (give or take one) after the last frame, at least three"
            " times. Holdfast then lowers this agent's `heartbeat_interval`"
        ),
        doctor_probes="Holds a WebSocket idle (`--idle`) and times its end, directly and through the proxy",
        confused_with=(
            ("LIFE-SILENT", "There Holdfast ends it, with a close code and a reason"),
            ("LIFE-CRASH-LOOP", "There the time counts from the connection, and each comes from a new instance"),
            ("LIFE-CLIENT-TIMEOUT", "There the time follows the agent's build, not the network"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=(
            "websockets/ws#1598",
            "websockets/ws#2283",
            "kubernetes/ingress-nginx#5167",
            "caoyingjunz/pixiu#1056",
            "mattermost/docs#8930",
        ),
    ),
    Fault(
        code="PXY-IDLE-100",
        title="Cloudflare, or a similar edge, closes an idle WebSocket",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="Code 1006 after about 100 s of quiet",
        cause=(
            "The edge ends idle connections, and its own releases end busy ones too; the exact time is not to"
            " be relied on"
        ),
        fix="Send a heartbeat every 25 s and reconnect with backoff whenever the edge ends the connection",
        gateway_sees="`CF-Ray` or `CF-Connecting-IP` in the upgrade request, and an end after about 100 s of quiet",
        doctor_probes="`Server: cloudflare` in the answer, and the time an idle connection lived",
        confused_with=(
            ("PXY-IDLE-60", "There no `CF-` headers, and a sharp 60 s"),
            ("PXY-MAX-DURATION", "There busy connections end as well, at the same age"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("buildbot/buildbot#4078", "aspnet/WebSockets#134", "kubernetes/ingress-nginx#5539", "Menci/Floway#324"),
    ),
    Fault(
        code="PXY-IDLE-350",
        title="A balancer forgets a flow after 350 s and resets it",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="`ECONNRESET` at the first send after about 6 minutes of quiet; nothing marks the moment it died",
        cause=(
            "The idle timeout of an AWS NLB is 350 s unless changed, and the next packet after it is answered"
            " with a reset"
        ),
        fix="Send a heartbeat every 25 s, or enable TCP keepalive below 350 s",
        gateway_sees=(
            "No end at all; the first ping after more than 300 s of quiet draws a reset. Connections with "
            "traffic never die"
        ),
        doctor_probes="Holds a connection idle for 360 s, then sends",
        confused_with=(
            ("NET-NAT-IDLE", "There silence answers, not a reset"),
            ("LIFE-KILLED", "There the next connection comes from a new instance"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("kubernetes/ingress-nginx#5695", "awsdocs/elb-network-load-balancers-user-guide#10"),
    ),
    Fault(
        code="PXY-IDLE-OTHER",
        title="A box on the way closes quiet connections after a fixed time",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="The connection ends after the same time of quiet each time, one that is none of the well-known limits",
        cause=(
            "A proxy or balancer with an idle limit that is now measured (30 s is usual for HAProxy, 240 s for Azure)"
        ),
        fix="Send heartbeats at less than half the measured time, or raise that limit in the proxy",
        gateway_sees=(
            "The idle times before the end agree within 2 s, at least three times, and it is none of our own "
            "timers. Holdfast then lowers this agent's `heartbeat_interval`"
        ),
        doctor_probes="Searches for the longest idle time that survives",
        confused_with=(
            ("PXY-MAX-DURATION", "There the age is constant, not the quiet before the end"),
            ("PXY-IDLE-60", "There the time is 60 s"),
            ("LIFE-CLIENT-TIMEOUT", "There the time follows the agent's build, not the network"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("nextcloud/HaRP#115", "gotify/website#82", "haproxy/haproxy#2280", "hashicorp/boundary#3133"),
    ),
    Fault(
        code="PXY-MAX-DURATION",
        title="A proxy limits the age of a connection",
        area=Area.PROXY,
        severity=Severity.INFO,
        blame=Blame.PROXY,
        symptom="A disconnect every N minutes, even while messages flow",
        cause=(
            "A proxy ends every connection at a set age: serverless front ends, service meshes, or the life of a token"
        ),
        fix="Reconnect at once and resume with `auth`, or raise the proxy's limit on connection age",
        gateway_sees="The ages at the end agree, the idle times do not, and busy connections are hit too",
        doctor_probes="Keeps a busy connection for N minutes and times its end",
        confused_with=(
            ("PXY-IDLE-OTHER", "There the quiet before the end is constant and the ages vary"),
            ("RATE-RECONNECT-LOOP", "There no registration is ever completed"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-REDIRECT-HTTPS",
        title="The server redirects http to https",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "`HTTP 301`, or `https://... isn't a valid URI: scheme isn't ws or wss` although the configured "
            "URL says `ws://`"
        ),
        cause="A proxy forces https, and WebSocket clients do not follow a redirect, or only half",
        fix="Use `wss://HOST/ws/agent` in the agent's URL",
        gateway_sees="Nothing: the proxy answered",
        doctor_probes="A plain GET of the URL is answered with 301 or 308 and `Location: https://`",
        confused_with=(("WS-WRONG-SCHEME", "There the configured URL itself begins with `http`"),),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
        seen=("python-websockets/websockets#1359", "websocket-client/websocket-client#952"),
    ),
    Fault(
        code="PXY-BAD-GATEWAY",
        title="The proxy cannot reach the gateway",
        area=Area.PROXY,
        severity=Severity.CRITICAL,
        blame=Blame.OPERATOR,
        symptom="`HTTP 502` (nothing there) or `HTTP 504` (no answer)",
        cause="The gateway is stopped, the proxy's upstream address is wrong, or the gateway cannot accept more",
        fix="Start the gateway, or correct the upstream address in the proxy",
        gateway_sees=(
            "Nothing; a gateway that was running then has no request in its log, which proves that the "
            "request died before it"
        ),
        doctor_probes="The `Server` header of the answer is the proxy's; asks `/health` directly as well",
        confused_with=(
            ("WS-UNAVAILABLE-503", "There the answer is ours and carries a fault code"),
            ("SRV-ACTIONS-API-DOWN", "There agents connect, and only port 8083 is silent"),
        ),
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
        seen=("haproxy/haproxy#1944",),
    ),
    Fault(
        code="PXY-H2-ONLY",
        title="HTTP/2 was chosen, which has no classic upgrade",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`malformed HTTP response`, 400, 502, or a reset right after TLS",
        cause="The client or a balancer agreed on `h2` in TLS, and nothing behind it can carry a WebSocket over HTTP/2",
        fix="Offer only `http/1.1` in ALPN for this connection, or switch HTTP/2 off towards the gateway",
        gateway_sees="Nothing, or the greeting of HTTP/2 (`PRI * HTTP/2.0`) on the HTTP/1.1 port, which is certain",
        doctor_probes="Shows the protocols offered and the one chosen, then tries again with `http/1.1` alone",
        confused_with=(("PXY-UPGRADE-STRIPPED", "There an HTTP/1.x request arrives, without its upgrade headers"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("haproxy/haproxy#1364", "denoland/deno#36704", "servo/servo#34634"),
    ),
    Fault(
        code="PXY-BUFFERING",
        title="A proxy holds data back",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="The agent registers, but answers arrive in bursts, or only when more data follows",
        cause="A proxy that buffers or scans treats the stream as one long response",
        fix="Switch buffering off for `/ws/agent` in the proxy (`proxy_buffering off`)",
        gateway_sees="The first frames arrive late and several at once, although their timestamps lie seconds apart",
        doctor_probes="A tiny frame takes seconds to come back, one of 16 kB milliseconds",
        confused_with=(
            ("LIFE-LOOP-BLOCKED", "There the timestamps in the messages are late as well"),
            ("NET-PACKET-LOSS", "There the delays are irregular and packets are sent twice"),
        ),
        guide=("flow-1", "flow-3", "flow-5", "log-1", "checklist-1"),
        seen=("caoyingjunz/pixiu#1056",),
    ),
    Fault(
        code="PXY-ENV-PROXY",
        title="The agent uses a proxy from its environment without meaning to",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="503, 403 or `failed CONNECT via proxy` for a gateway on the local network",
        cause="The library honours `HTTP_PROXY`, `HTTPS_PROXY` or `ALL_PROXY`, and the gateway is not in `NO_PROXY`",
        fix="Add the gateway's host to `NO_PROXY` in the service's environment",
        gateway_sees="Nothing, or connections from the proxy's address with `Via`",
        doctor_probes="Prints each proxy variable, where it came from and which rule applied, then tries without",
        confused_with=(
            ("PXY-CONNECT-DENIED", "There the proxy is wanted and refuses this host or port"),
            ("NET-CONN-REFUSED", "There the refusal comes from the gateway's address, not the proxy's"),
        ),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websocket-client/websocket-client#585", "websocket-client/websocket-client#132"),
    ),
    Fault(
        code="PXY-AUTH-407",
        title="The forward proxy wants credentials",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`407 Proxy Authentication Required`",
        cause="The agent has no credentials for the proxy, or they have expired",
        fix="Put the credentials into the agent's proxy setting, or have its host exempted",
        gateway_sees="Nothing",
        doctor_probes="CONNECT is answered with 407; shows which kinds of credentials the proxy offers",
        confused_with=(("WS-AUTH-401", "There the status is 401 and the answer comes from the gateway"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websocket-client/websocket-client#812",),
    ),
    Fault(
        code="PXY-CONNECT-DENIED",
        title="The forward proxy forbids this host or port",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="CONNECT is answered with 403, or 8080 is blocked while 443 works",
        cause="The proxy's policy does not allow this destination",
        fix="Have the proxy allow the gateway's host and port, or serve agents on port 443",
        gateway_sees="Nothing",
        doctor_probes="Compares CONNECT to the gateway's port with CONNECT to 443",
        confused_with=(("WS-FORBIDDEN-403", "There the 403 comes from the gateway and carries a fault code"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websocket-client/websocket-client#677",),
    ),
    Fault(
        code="PXY-HTML-200",
        title="A login or portal page answers instead of the gateway",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`server rejected WebSocket connection: HTTP 200`, and the body is HTML",
        cause="A captive portal, a single sign-on proxy, or the default site of a shared server",
        fix="Exempt `/ws/agent` from the login, or correct the host in the agent's URL",
        gateway_sees="Nothing, or a request from the proxy with cookies",
        doctor_probes="Status 200 or 302 with `text/html`; quotes the page's title",
        confused_with=(("WS-WRONG-PATH", "There the answer is a 404 from the gateway itself"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("bitly/oauth2_proxy#285",),
    ),
    Fault(
        code="PXY-WAF-403",
        title="A filter in front refuses the agent",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="403 with a vendor's page, for some user agents only",
        cause="A rule of a web application firewall against clients that are not browsers, or against unusual headers",
        fix="Allow `/ws/agent` for these clients in the filter in front of the gateway",
        gateway_sees="Nothing: no line in our log at that time",
        doctor_probes="The `Server` header and the body name the vendor; another user agent passes",
        confused_with=(("WS-FORBIDDEN-403", "There the body carries our fault code and our log has a line"),),
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("cloudflare/cloudflare-docs#3405",),
    ),
    Fault(
        code="PXY-HEADER-DROPPED",
        title="A proxy drops or rewrites the agent's headers",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="A header that the agent does send is reported as missing",
        cause="Some proxies drop names with an underscore, and balancers lower or remove `X-*` and `Authorization`",
        fix="Name headers with hyphens and let the proxy pass them on, or send the data in the first message",
        gateway_sees="The agent's headers are absent while its library's other marks and `Via` are there",
        doctor_probes="Sends a marked header and compares with what the gateway says it received",
        confused_with=(("WS-AGENT-HEADERS", "There the agent never sent them"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-CLIENT-IP-HIDDEN",
        title="Many agents seem to come from one address",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.OPERATOR,
        symptom="An agent that is quiet itself is refused now and then, with 429",
        cause="A proxy or NAT stands in front, and limits per address count all agents behind it as one",
        fix="List the proxy as trusted in the gateway's configuration",
        gateway_sees="One address holds many hosts, and `X-Forwarded-For` is there but not trusted",
        doctor_probes="Its public address is that of other agents too",
        confused_with=(("RATE-LIMITED", "There this agent's own rate is over the limit"),),
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-RELOAD",
        title="A reload of the proxy cut its connections",
        area=Area.PROXY,
        severity=Severity.INFO,
        blame=Blame.PROXY,
        symptom="Code 1006 for all agents together, at the time of a deployment",
        cause="The old workers of the proxy end, and take their connections along",
        fix="Let the proxy drain longer than a heartbeat, and reconnect with jitter",
        gateway_sees=(
            "Most connections of one proxy end within a second while our own process runs on, and no idle "
            "time stands out"
        ),
        doctor_probes="Connecting again works at once",
        confused_with=(
            ("SRV-RESTART", "There our process started after the losses"),
            ("RATE-HERD", "That is what follows it: all come back at once"),
        ),
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("cloudflare/cloudflare-docs#14141",),
    ),
)
