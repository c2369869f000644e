"""Numbers of the wire contract that both sides share; what an operator may change lives in the configuration."""

from typing import Final

PATH: Final = "/ws/agent"
PROTOCOL_VERSION: Final = 1

MAX_MESSAGE_BYTES_UNREGISTERED: Final = 64 * 1024
MAX_MESSAGE_BYTES_REGISTERED: Final = 1024 * 1024
MAX_ID_CHARS: Final = 128
MAX_CHANNEL_CHARS: Final = 256
MAX_HOST_ID_CHARS: Final = 255
# What fits 64 bits. Python would take any number of digits, and fail later, where it becomes a float.
MIN_TIMESTAMP: Final = -(2**63)
MAX_TIMESTAMP: Final = 2**63 - 1

CHALLENGE_TTL_S: Final = 120.0
FIRST_MESSAGE_S: Final = 5.0
HEARTBEAT_INTERVAL_S: Final = 20.0
MALFORMED_IN_A_ROW: Final = 3

ATTEMPT_HEADER: Final = "Holdfast-Attempt"
CHALLENGE_HEADER: Final = "Holdfast-Challenge"
