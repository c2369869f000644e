"""Two writers without a lock: the beginning of one frame in the middle of another (MSG-INTERLEAVED).

A client masks each frame with a key of its own (RFC 6455, 5.3). What a gateway reads as the rest of the first frame is
the second frame, unmasked with the wrong key: its text xor a constant of four bytes. A message begins in few ways, and
one of them yields the constant; if with it the bytes become plain text, no other reading is left.
"""

from typing import Final

from holdfast.faults.catalogue import problem
from holdfast.faults.problem import Problem, printable

HEADER_BYTES: Final = 6  # of a masked frame of up to 125 bytes; larger ones have two more
BEGINNINGS: Final = (b'{"id":', b'{"id" :', b'{"type"', b'{"channel"', b'{"timestamp"', b'{"payload"', b'{"headers"')
KEY_BYTES: Final = 4
PROOF_BYTES: Final = 16
"""So many bytes of plain text beyond the four that gave the key: chance makes them once in ten million tries."""
LOOKED_AT: Final = 64
BEFORE: Final = 32
AFTER: Final = 16
"""How far from the first byte that cannot be read its text begins: by chance the first few bytes can be read."""


def interleaved(frame: bytes, bad_at: int) -> Problem | None:
    """MSG-INTERLEAVED where another frame begins near `bad_at`, the first byte of `frame` that cannot be read."""
    for text_at in range(max(0, bad_at - BEFORE), min(len(frame), bad_at + AFTER)):
        text = _as_message(frame[text_at : text_at + LOOKED_AT])
        if text is not None:
            begins = max(0, text_at - HEADER_BYTES)
            shown = printable(text[:40].decode("ascii"))
            return problem(
                "MSG-INTERLEAVED",
                why=f"at about byte {begins} another message begins, masked with a key of its own: {shown!r}",
                evidence={"position": begins},
            )
    return None


def _as_message(seen: bytes) -> bytes | None:
    """The text behind `seen`, if one of the beginnings gives a key that makes plain text of it."""
    if len(seen) < KEY_BYTES + PROOF_BYTES:
        return None
    for beginning in BEGINNINGS:
        key = bytes(s ^ b for s, b in zip(seen, beginning[:KEY_BYTES], strict=False))
        if not any(key):
            continue  # in clear: two documents in one frame, or this very one
        if any(seen[at] ^ key[at % KEY_BYTES] != beginning[at] for at in range(KEY_BYTES, len(beginning))):
            continue
        text = bytes(byte ^ key[at % KEY_BYTES] for at, byte in enumerate(seen))
        if text.isascii() and text.decode("ascii").isprintable():
            return text
    return None
