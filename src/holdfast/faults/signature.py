"""Signatures and keys."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="SIG-ORDER",
        title="The right fields were signed in another order",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="The agent signs nonce, server_time and host_id in another order",
        fix="Sign nonce + server_time + host_id, in this order",
        gateway_sees=(
            "The signature verifies over one of the five other orders, which the answer names: that is a proof"
        ),
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(
            ("SIG-SEPARATOR", "There something stands between the fields"),
            ("SIG-FIELD-SET", "There a field is missing or added"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-NONCE-DECODED",
        title="The nonce was base64-decoded before signing",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause=(
            "The agent signs the 32 bytes that the nonce stands for; what counts is the nonce's text as it was received"
        ),
        fix="Sign the nonce's text as received, not the bytes it decodes to",
        gateway_sees="The signature verifies over decode(nonce) + server_time + host_id: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-NONCE-ENCODING", "There another text form of the nonce was signed"),),
        guide=("issue-3", "step-4", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-NONCE-ENCODING",
        title="The nonce was signed in another text form",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="A conversion between receiving and signing: hex, URL-safe base64, no padding, quotes, `b'...'`",
        fix="Sign the nonce exactly as it was received, without converting it",
        gateway_sees="The signature verifies over that other form, which the answer names: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-NONCE-DECODED", "There the raw bytes were signed"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-JSON",
        title="A JSON document was signed instead of the three texts",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="The agent signs a JSON object or list, or the answer as it came",
        fix="Sign the plain text nonce + server_time + host_id, not JSON",
        gateway_sees="The signature verifies over a JSON form of the fields: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-FIELD-SET", "There plain texts were joined, but others than the three"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TRAILING",
        title="Something after the text was signed as well",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="One byte too many at the end: the newline of `echo` or `println`, the NUL of a C string, a space",
        fix="Sign the text without a trailing newline, NUL or space (`printf %s`)",
        gateway_sees="The signature verifies over the text with this one byte more: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-SEPARATOR", "There the extra bytes stand between the fields"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-SEPARATOR",
        title="The fields were joined with a separator",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="Something stands between the three texts, such as the `:` that the text of `auth` has",
        fix="Join nonce, server_time and host_id without a separator",
        gateway_sees=(
            "The signature verifies with `:`, `|`, a newline or another separator, which the answer names: "
            "that is a proof"
        ),
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-TRAILING", "There the extra byte stands only at the end"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-FORMAT",
        title="server_time was read and printed again",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause=(
            "The agent turned server_time into a date and formatted it again: `+00:00` for `Z`, a fraction, "
            "Unix seconds"
        ),
        fix="Sign `server_time` exactly as it was received, without parsing it",
        gateway_sees="The signature verifies with the other notation, which the answer names: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(
            ("SIG-TIME-LOCAL", "There the hours differ"),
            ("SIG-TIME-OWN", "There the seconds differ, and it succeeds now and then"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-LOCAL",
        title="server_time was turned into local time",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused, on hosts outside UTC only",
        cause="A date library printed the time in the host's own zone",
        fix="Sign `server_time` exactly as it was received, without converting its zone",
        gateway_sees="The signature verifies with the time of a zone, which the answer names: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key; shows the host's time zone"
        ),
        confused_with=(("SIG-TIME-FORMAT", "There hour and instant agree, in another notation"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-OWN",
        title="The agent signed its own clock's time",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two succeeds now and then, when both clocks show the same second",
        cause="The agent signs the present time in place of the server_time it received",
        fix="Sign the `server_time` from the answer, not the agent's own time",
        gateway_sees="The signature verifies with a time close to its arrival: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("CLK-SKEW", "There the timestamp of the message is off; here it may be right"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-HOST-FORM",
        title="host_id was signed in another form than it was sent",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause=(
            "The agent takes the host_id that it signs from another source: other letter case, with or "
            "without the domain, the uid"
        ),
        fix="Sign exactly the text that is sent as `host_id`",
        gateway_sees="The signature verifies with that other form, which the answer names: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("REG-HOST-CHANGED", "There the fields of the two steps differ already"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-HASHED",
        title="A hash was signed instead of the text",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="A habit from RSA and ECDSA; Ed25519 hashes by itself",
        fix="Sign the text itself, not its hash",
        gateway_sees=(
            "The signature verifies over a SHA-256, SHA-512 or SHA-1 of the text, or its base64: that is a proof"
        ),
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-UNEXPLAINED", "Ed25519ph and keyed hashes are not found, and end there"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-FIELD-SET",
        title="A field is missing in the signed text, or one too many",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause="The agent signs fewer fields, or adds others such as registration_id, org_id or the public key",
        fix="Sign exactly three fields: nonce + server_time + host_id",
        gateway_sees="The signature verifies over that other set, which the answer names: that is a proof",
        doctor_probes=(
            "`holdfast doctor sign` signs the right text with the agent's own key and shows the first byte that differs"
        ),
        confused_with=(("SIG-ORDER", "There it is exactly the three fields, in another order"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-ENC-HEX",
        title="The signature was sent in hex",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the signature must be 64 bytes, and is 96"',
        cause="128 hex digits are valid base64 as well, and decode to 96 bytes",
        fix="Send the signature as base64, not as hex",
        gateway_sees="128 hex digits, which verify when read as hex",
        doctor_probes="`holdfast doctor sign` prints the signature as it must be sent",
        confused_with=(("SIG-LENGTH", "There it is 96 bytes for another reason, and not hex digits alone"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-B64URL",
        title="The signature is in URL-safe or unpadded base64",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Refused most times, not always",
        cause="An encoder of the kind used for web tokens",
        fix="Send the signature as standard base64 with padding: 88 characters",
        gateway_sees="`-` or `_`, or 86 characters; verifies when read so",
        doctor_probes="`holdfast doctor sign` prints the signature as it must be sent",
        confused_with=(("MSG-PAYLOAD-B64URL", "There the payload itself does not decode"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-DOUBLE",
        title="The signature was base64-encoded twice",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the signature must be 64 bytes, and is 88"',
        cause="The library returned base64 already",
        fix="Encode the 64 bytes of the signature as base64 once",
        gateway_sees="It decodes to 88 characters of base64, which verify",
        doctor_probes="`holdfast doctor sign` prints the signature as it must be sent",
        confused_with=(
            ("SIG-ENC-HEX", "There it is 128 hex digits"),
            ("SIG-NACL-COMBINED", "There it is longer than 64 bytes, and not base64 inside"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-REPR",
        title="The signature was sent as Python prints bytes",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer: the signature is not base64",
        cause="Bytes were turned into text with `str()`, which gives `b'...'`",
        fix="Call `.decode()` on the base64 bytes before sending them",
        gateway_sees="The text begins with `b'` and ends with `'`",
        doctor_probes="`holdfast doctor sign` prints the signature as it must be sent",
        confused_with=(("MSG-PAYLOAD-NOT-B64", "There the payload as a whole does not decode"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-NACL-COMBINED",
        title="Signature and message were sent together",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the signature must be 64 bytes", and it is longer',
        cause="NaCl's `sign()` returns the signature followed by the message",
        fix="Send only the 64 bytes of the signature (`.signature` in PyNaCl)",
        gateway_sees="The first 64 bytes verify over the rest, which is exactly what was signed",
        doctor_probes="`holdfast doctor sign` prints the signature as it must be sent",
        confused_with=(("SIG-LENGTH", "There the first 64 bytes do not verify over the rest"),),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-LENGTH",
        title="The signature is not 64 bytes long",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the signature must be 64 bytes"',
        cause=(
            "It was cut on the way, or made by another algorithm: 70 to 72 bytes are ECDSA, 256 and more RSA,"
            " 32 an HMAC, 114 Ed448"
        ),
        fix="Sign with Ed25519 and send all 64 bytes as base64",
        gateway_sees="The length, and the algorithm it points to",
        doctor_probes="The type of the agent's key",
        confused_with=(
            ("SIG-ENC-HEX", "There it is hex digits, and verifies when read so"),
            ("SIG-ENC-DOUBLE", "There it decodes once more"),
            ("SIG-NACL-COMBINED", "There the message follows the signature"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-OTHER-KEY",
        title="Signed with another key than the one that was sent",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused every time, also after a restart",
        cause="Two key files, a key changed between the steps, or a public key that is kept elsewhere",
        fix="Send the public key that belongs to the key you sign with",
        gateway_sees=(
            "The right text verifies under another key that is known for this same host. Which one is told to"
            " the operator alone"
        ),
        doctor_probes="Derives the public key from the key file in use and compares it with the one that is sent",
        confused_with=(
            ("SIG-UNEXPLAINED", "There no other key is known"),
            ("KEY-REGENERATED", "There each start brings a new key, and registers with it"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-UNEXPLAINED",
        title="The signature does not verify, and no known mistake explains it",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Step two is refused: the signature does not verify",
        cause=(
            "Not one of the usual mistakes; the evidence gives the length and the SHA-256 of the text that "
            "should be signed"
        ),
        fix="Compare your signed bytes with the length and SHA-256 given, or run `holdfast doctor sign`",
        gateway_sees="Every candidate was tried; how many, and in what time",
        doctor_probes="`holdfast doctor sign` has the agent's key, and can say exactly where the signed text differs",
        confused_with=(
            ("SIG-OTHER-KEY", "There the right text verifies under another known key"),
            ("SIG-HASHED", "There a plain hash of the text verifies"),
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="KEY-PEM",
        title="The public key was sent as PEM or DER",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the public key must be 32 bytes, and is 44"',
        cause="The key was exported with its header (SubjectPublicKeyInfo)",
        fix="Send base64 of the 32 raw key bytes (`public_bytes_raw()`), without PEM or DER",
        gateway_sees="`-----BEGIN`, or 44 bytes whose last 32 are the key",
        doctor_probes="Derives the public key from the key file and shows it as it must be sent",
        confused_with=(
            ("KEY-ENCODING", "There the header of DER is missing"),
            ("KEY-PRIVATE-SENT", "There the header says that it is a private key"),
        ),
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-ENCODING",
        title="The public key is in hex, URL-safe base64 or OpenSSH form",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the public key must be 32 bytes", and it is 48 or another length',
        cause="Another encoder than base64 of the raw bytes",
        fix="Send the public key as base64 of its 32 raw bytes: 44 characters",
        gateway_sees="64 hex digits, `ssh-ed25519 AAAA...`, or `-` and `_`",
        doctor_probes="Derives the public key from the key file and shows it as it must be sent",
        confused_with=(
            ("KEY-PEM", "There the header of DER stands in front"),
            ("KEY-PRIVATE-SENT", "There it is 48 bytes as well, with the header of a private key"),
        ),
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="KEY-LENGTH",
        title="The public key is not one of Ed25519",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"the public key must be 32 bytes"',
        cause="Another kind of key: 33 and 65 bytes are elliptic curve points, 57 Ed448, 270 and more RSA",
        fix="Generate an Ed25519 key for the agent",
        gateway_sees="The length, and the kind of key it points to",
        doctor_probes="The type of the agent's key",
        confused_with=(("KEY-PEM", "There it is 44 bytes with the header of an Ed25519 key"),),
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-PRIVATE-SENT",
        title="The private key was sent as the public key",
        area=Area.SIGNATURE,
        severity=Severity.CRITICAL,
        blame=Blame.AGENT,
        symptom='"the public key must be 32 bytes", or the signature does not verify',
        cause="The wrong variable was sent. The value received is neither stored nor logged",
        fix="Delete this key and generate a new one: whoever saw the message can be this agent",
        gateway_sees=(
            "64 bytes whose second half is the public key of the first, the header of a private key, or 32 "
            "bytes that work as a seed"
        ),
        doctor_probes="Derives the public key from the key file and compares it with what is sent",
        confused_with=(
            ("KEY-LENGTH", "There the bytes are no key of this kind at all"),
            ("SIG-OTHER-KEY", "There the value sent is another public key"),
        ),
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-SMALL-ORDER",
        title="The public key is a point that anybody can sign for",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="An `error` answer to the init: this key is refused",
        cause=(
            "An uninitialised buffer (all zero), or an attack: for these few points a signature can be made "
            "without any private key"
        ),
        fix="Generate a real Ed25519 key for the agent",
        gateway_sees="One of the points of small order, or a form that is not canonical",
        doctor_probes="Checks the agent's key file",
        confused_with=(("KEY-LENGTH", "There the length is wrong; here it is 32 bytes"),),
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-REGENERATED",
        title="The agent makes a new key at every start",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='The agent registers again and again, or "this host_id belongs to another key"',
        cause=(
            "The key is not kept: no path that lasts, a read-only directory, or a layer of a container that "
            "is thrown away"
        ),
        fix="Keep the agent's key on a path that survives restarts, with mode 0600",
        gateway_sees=(
            "The same host_id, machine and address with a new key at each start, and the old keys never come back"
        ),
        doctor_probes="The key file is missing, cannot be written, or lies in a temporary or container layer",
        confused_with=(
            ("ID-HOST-NEW-KEY", "There it happened once"),
            ("ID-CLONED", "There two keys or hosts take turns"),
        ),
        guide=("issue-3", "issue-C", "log-3", "log-5", "checklist-3", "requirement-3"),
        seen=("wazuh/wazuh-docker#2632", "openappsec/openappsec#159", "UrbanCode/UCD-Docker-Images#9"),
    ),
)
