"""What the kernel knows of a TCP connection, read before the socket is closed (Linux `struct tcp_info`)."""

import socket
import struct
from typing import Final

# linux/tcp.h: 8 bytes of flags, then 24 u32, of which these are read by name.
_HEAD: Final = struct.Struct("=BBBBBBBB")
_WORDS: Final = struct.Struct("=24I")
_NAMES: Final = (
    "rto", "ato", "snd_mss", "rcv_mss", "unacked", "sacked", "lost", "retrans", "fackets", "last_data_sent",
    "last_ack_sent", "last_data_recv", "last_ack_recv", "pmtu", "rcv_ssthresh", "rtt", "rttvar", "snd_ssthresh",
    "snd_cwnd", "advmss", "reordering", "rcv_rtt", "rcv_space", "total_retrans",
)  # fmt: skip
SHOWN: Final = ("unacked", "last_data_sent", "last_data_recv", "last_ack_recv", "rtt", "rttvar", "total_retrans")
# Behind the words: 4 u64 of rates and byte counts, then segments out and in, and the bytes not sent yet.
_COUNTS: Final = struct.Struct("=32x3I")


def tcp_info(sock: socket.socket | None) -> dict[str, int]:
    """The numbers that diagnosis needs; empty where the platform or the socket has none.

    `retransmits`, `probes` and `backoff` count, `last_*` are milliseconds, `rtt` and `rttvar` microseconds.
    """
    if sock is None or not hasattr(socket, "TCP_INFO"):
        return {}
    try:
        raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    except (OSError, ValueError):
        return {}
    if len(raw) < _HEAD.size + _WORDS.size:
        return {}
    state, _, retransmits, probes, backoff, *_ = _HEAD.unpack_from(raw)
    words = dict(zip(_NAMES, _WORDS.unpack_from(raw, _HEAD.size), strict=True))
    counts: dict[str, int] = {}
    if len(raw) >= _HEAD.size + _WORDS.size + _COUNTS.size:
        out, _, notsent = _COUNTS.unpack_from(raw, _HEAD.size + _WORDS.size)
        counts = {"segs_out": out, "notsent_bytes": notsent}
    return {
        "tcp_state": state, "retransmits": retransmits, "probes": probes, "backoff": backoff,
        **{name: words[name] for name in SHOWN}, **counts,
    }  # fmt: skip
