"""Proxies, balancers and inspection boxes on the way."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="PXY-UPGRADE-STRIPPED",
        title="A proxy removes Upgrade and Connection",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="HTTP 400 or 426 on upgrade; works when connecting past the proxy",
        cause="Reverse proxy without WebSocket settings",
        fix="Nginx: `proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade",
        gateway_sees=(
            "`Sec-WebSocket-Key` and `-Version` present but no `Upgrade`, `Connection: close` or "
            "`keep-alive`, often HTTP/1.0 (nginx's default): verified, those two end-to-end headers survive "
            "nginx. Also `Via`/`X-Forwarded-For`"
        ),
        doctor_probes=(
            "Same request to the gateway directly (if reachable) gives 101, through the proxy 400/426; print "
            "the `Server` header of the answer"
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
        symptom="Disconnect exactly 60 s after connect or after the last message; code 1006, no reason",
        cause="nginx `proxy_read_timeout` (60 s), ALB idle timeout (60 s) or similar",
        fix="Heartbeat every 20-25 s, or raise the timeout",
        gateway_sees=(
            "FIN without close frame, `age - last_frame` = 60.0 +- 1 s, three or more times, spread below 1 "
            "s; peer IP is a proxy, or shared by many hosts"
        ),
        doctor_probes="Hold an idle WebSocket and time its end, directly and through the proxy",
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
        title="Cloudflare (or similar) closes an idle WebSocket",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="1006 after about 100 s of quiet",
        cause="Edge closes idle sockets; edge restarts close busy ones too",
        fix="Heartbeat every 20-30 s and reconnect with backoff; busy connections are cut at edge releases anyway",
        gateway_sees=(
            "`CF-Ray`/`CF-Connecting-IP` in the upgrade request; FIN at about 100 s idle. Do not rely on the "
            "number: measured elsewhere between 216 s and 1788 s, or never"
        ),
        doctor_probes="`Server: cloudflare` in the answer; idle test",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("buildbot/buildbot#4078", "aspnet/WebSockets#134", "kubernetes/ingress-nginx#5539", "Menci/Floway#324"),
    ),
    Fault(
        code="PXY-IDLE-350",
        title="AWS NLB forgets a flow after 350 s and answers the next packet with RST",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="`ECONNRESET` at the first send after about 6 minutes of quiet; no event at the moment it dies",
        cause="NLB default idle timeout 350 s (adjustable 60-6000 s now)",
        fix="Ping every 25 s, or TCP keepalive below 350 s",
        gateway_sees=(
            "No FIN. The first ping after more than 350 s quiet draws RST; connections with pings every 25 s never die"
        ),
        doctor_probes="Idle 360 s then send",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("kubernetes/ingress-nginx#5695", "awsdocs/elb-network-load-balancers-user-guide#10"),
    ),
    Fault(
        code="PXY-IDLE-OTHER",
        title="Some middlebox has an idle limit we did not know",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom=(
            "Disconnects at a constant idle time that is none of the known ones (30 s HAProxy client timeout,"
            " 240 s Azure, 600 s stream proxy)"
        ),
        cause="An unlisted proxy's limit, now measured",
        fix="Heartbeat at less than half the measured time, or raise that limit",
        gateway_sees=(
            "Idle-time histogram per peer network has one narrow peak (spread under 2 s, n >= 3), FIN without"
            " close frame, our own timers excluded"
        ),
        doctor_probes="Binary search of the idle time",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("nextcloud/HaRP#115", "gotify/website#82", "haproxy/haproxy#2280", "hashicorp/boundary#3133"),
    ),
    Fault(
        code="PXY-MAX-DURATION",
        title="A proxy limits the age of a connection",
        area=Area.PROXY,
        severity=Severity.INFO,
        blame=Blame.PROXY,
        symptom="Disconnects every N minutes even under traffic",
        cause="Maximum request duration (serverless front ends, mesh `max_connection_duration`, token life)",
        fix="Treat it as normal: reconnect at once with resume; or raise the limit",
        gateway_sees=(
            "Peak in *age*, not in idle time; busy connections are hit too; FIN without close frame, or 1001 "
            "from a mesh proxy"
        ),
        doctor_probes="Busy test connection for N minutes",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-REDIRECT-HTTPS",
        title="http is redirected to https",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "`InvalidURI: https://... isn't a valid URI: scheme isn't ws or wss` although the configured URL "
            "says `ws://` (verified for two client libraries), or `HTTP 301`"
        ),
        cause="Proxy forces https; WebSocket clients do not (or only half) follow",
        fix="Configure `wss://<host>/ws/agent`",
        gateway_sees="Nothing for the redirected ones; the proxy answered",
        doctor_probes="Plain GET of the URL gives 301/308 with `Location: https://`",
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
        seen=("python-websockets/websockets#1359", "websocket-client/websocket-client#952"),
    ),
    Fault(
        code="PXY-BAD-GATEWAY",
        title="The proxy cannot reach the gateway",
        area=Area.PROXY,
        severity=Severity.CRITICAL,
        blame=Blame.OPERATOR,
        symptom="`HTTP 502` (down) or `504` (does not answer)",
        cause="Gateway stopped, wrong upstream address, or gateway's accept queue full",
        fix="Start the gateway or correct the upstream",
        gateway_sees=(
            "Nothing; if it runs, its own log shows no request at that time, which proves the request died before it"
        ),
        doctor_probes="Answer's `Server` header is the proxy's; direct `/health` works or not",
        guide=("step-1", "flow-1", "log-1", "checklist-1"),
        seen=("haproxy/haproxy#1944",),
    ),
    Fault(
        code="PXY-H2-ONLY",
        title="HTTP/2 chosen by ALPN, where the classic upgrade does not exist",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`malformed HTTP response`, 400, 502, or a reset right after TLS",
        cause="Client or balancer negotiates h2 without RFC 8441 support behind it",
        fix="Offer only `http/1.1` in ALPN for WebSocket, or disable h2 to the backend (`ws h1` in HAProxy)",
        gateway_sees="Nothing, or an h2 preface (`PRI * HTTP/2.0`) on the HTTP/1.1 port: certain",
        doctor_probes="ALPN offer list and the one chosen; retry offering only `http/1.1`",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("haproxy/haproxy#1364", "denoland/deno#36704", "servo/servo#34634"),
    ),
    Fault(
        code="PXY-BUFFERING",
        title="A proxy holds data back",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom="Registered, but answers arrive in bursts or only when more data follows",
        cause="Buffering or scanning proxy treats the stream as a response body",
        fix="Turn buffering off for this path (`proxy_buffering off`), bypass the scanner",
        gateway_sees=(
            "Upgrade done, first frames arrive late and several at once although their timestamps are seconds apart"
        ),
        doctor_probes="Echo test: round trip of a tiny frame is seconds, of a 16 kB frame milliseconds",
        guide=("flow-1", "flow-3", "flow-5", "log-1", "checklist-1"),
        seen=("caoyingjunz/pixiu#1056",),
    ),
    Fault(
        code="PXY-ENV-PROXY",
        title="The agent goes through a proxy from the environment without meaning to",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom="503, 403 or `failed CONNECT via proxy` for a gateway on the local network",
        cause=(
            "Client library honours the variables (python websockets from 15 on does by default); gateway not"
            " in `NO_PROXY`"
        ),
        fix="Add the gateway to `NO_PROXY` or pass `proxy=None`",
        gateway_sees="Nothing, or connections from the proxy's IP with `Via`",
        doctor_probes=(
            "Print `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` of the *service's* environment and "
            "which rule applied; try direct"
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
        cause="No or expired proxy credentials",
        fix="Put credentials into the proxy setting, or have the host exempted",
        gateway_sees="Nothing",
        doctor_probes="CONNECT answered 407 with the scheme offered",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websocket-client/websocket-client#812",),
    ),
    Fault(
        code="PXY-CONNECT-DENIED",
        title="The forward proxy forbids this host or port",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="CONNECT answered 403, or 8080 blocked while 443 works",
        cause="Proxy policy",
        fix="Serve agents on 443, or have the port allowed",
        gateway_sees="Nothing",
        doctor_probes="CONNECT to `host:8080` and `host:443` compared",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("websocket-client/websocket-client#677",),
    ),
    Fault(
        code="PXY-HTML-200",
        title="A portal or login page answers instead",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="`server rejected WebSocket connection: HTTP 200`; body is HTML",
        cause="Captive portal, SSO proxy or a default vhost",
        fix="Exempt `/ws/agent` from the login or connect to the right host",
        gateway_sees="Nothing, or the proxy asks with cookies",
        doctor_probes="Status 200 or 302 with `text/html`; title of the page quoted",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("bitly/oauth2_proxy#285",),
    ),
    Fault(
        code="PXY-WAF-403",
        title="A WAF or bot filter refuses",
        area=Area.PROXY,
        severity=Severity.ERROR,
        blame=Blame.PROXY,
        symptom="403 with a vendor page; only some user agents",
        cause="Rule against non-browser clients or unusual headers",
        fix="Allow `/ws/agent` for these clients",
        gateway_sees="Nothing",
        doctor_probes="`Server` and body name the vendor; another User-Agent passes",
        guide=("flow-1", "log-1", "checklist-1"),
        seen=("cloudflare/cloudflare-docs#3405",),
    ),
    Fault(
        code="PXY-HEADER-DROPPED",
        title="A proxy drops or rewrites agent headers",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.PROXY,
        symptom='400 "missing header" although the agent sends it',
        cause="nginx drops `_` names, balancers lower or strip `X-*` or `Authorization`",
        fix="Use names with hyphens, allow the headers, or send the data in the first message",
        gateway_sees=(
            "Agent's headers absent while its own library's marks are present and `Via` is set; names with "
            "underscores vanish first"
        ),
        doctor_probes="Echo endpoint returns the headers as received; compare",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-CLIENT-IP-HIDDEN",
        title="All agents seem to come from one address",
        area=Area.PROXY,
        severity=Severity.WARNING,
        blame=Blame.OPERATOR,
        symptom="Sporadic 429 although this agent is quiet",
        cause="Per-IP limits applied to a proxy or NAT",
        fix="List the proxy as trusted and limit by key, not by IP",
        gateway_sees="One peer IP holds more than 50 host_ids; `X-Forwarded-For` present but not trusted",
        doctor_probes="Its public IP equals that of others behind the same NAT",
        guide=("flow-1", "log-1", "checklist-1"),
    ),
    Fault(
        code="PXY-RELOAD",
        title="Proxy reload or deploy cuts connections",
        area=Area.PROXY,
        severity=Severity.INFO,
        blame=Blame.PROXY,
        symptom="1006 at deploy times, all agents together",
        cause="Old proxy workers end (`worker_shutdown_timeout`, balancer draining)",
        fix="Drain longer than the heartbeat, reconnect with jitter",
        gateway_sees=(
            "Most connections of one proxy end within a second, the gateway's own process did not restart, "
            "FIN or RST, no idle peak"
        ),
        doctor_probes="Reconnect works at once",
        guide=("issue-2", "flow-1", "log-1", "checklist-1"),
        seen=("cloudflare/cloudflare-docs#14141",),
    ),
)
