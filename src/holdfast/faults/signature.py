"""Signatures and keys."""

from typing import Final

from holdfast.faults.entry import Area, Blame, Fault, Severity

FAULTS: Final[tuple[Fault, ...]] = (
    Fault(
        code="SIG-ORDER",
        title="Fields signed in another order",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"signature verification failed"',
        cause="Order",
        fix="Sign `nonce + server_time + host_id`",
        gateway_sees="Candidate search matches one of five other orders: the answer names it",
        doctor_probes=(
            "`holdfast doctor sign` recomputes with the agent's own key: Ed25519 is deterministic, so it compares bytes"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-NONCE-DECODED",
        title="Nonce decoded to bytes before signing",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="As above; the author followed the other document",
        cause=(
            'The original backend verifies the *decoded bytes*, its specification says "nonce_bytes", the '
            "guide and its test script sign the *text*: an author cannot know. Expect this to be the "
            "commonest of all"
        ),
        fix="Sign the nonce text as received (or the gateway advertises `signing: text` in the init response)",
        gateway_sees="Match on `decode(nonce) + server_time + host_id`",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "step-4", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-NONCE-ENCODING",
        title="Nonce re-encoded",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Helper converts",
        fix="Use the string untouched",
        gateway_sees="Match on hex, upper hex, base64url, unpadded, quoted, `b'...'`, doubled",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-JSON",
        title="A JSON document signed instead of the concatenation",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause='Author signs "the message"',
        fix="Sign the plain concatenation",
        gateway_sees=(
            "Match on objects (3 keys, 6 orders, compact or spaced), arrays, the response as received, the "
            "complete payload without signature"
        ),
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TRAILING",
        title="Trailing newline, NUL or space signed",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="`echo` without `-n`, `println`, C string",
        fix="Sign without the extra byte (`printf %s`)",
        gateway_sees="Match with one extra byte",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-SEPARATOR",
        title="Fields joined with a separator",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Copied from the `auth` transcript `agent_id:public_key:timestamp:nonce`",
        fix="No separator",
        gateway_sees="Match with `:`, `|`, `.`, newline and others. (The older auth step of the same system used `:`.)",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-FORMAT",
        title="server_time parsed and printed again",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Parsed into a date type and formatted again",
        fix="Keep the string as received",
        gateway_sees=(
            "Match with `+00:00`, `.000Z`, no zone, space for T, Unix seconds or ms, Go's `String()`, HTTP date"
        ),
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-LOCAL",
        title="server_time turned into local time",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Only on hosts outside UTC",
        cause="Date library prints local time",
        fix="As SIG-TIME-FORMAT",
        gateway_sees="Match at an offset of a multiple of 15 minutes; name the zone",
        doctor_probes="Shows TZ",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-TIME-OWN",
        title="The agent signed its own clock",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Works sometimes (when both clocks show the same second)",
        cause="`now()` used in place of server_time",
        fix="Use the server_time received",
        gateway_sees="Match with our arrival second -10..+30 s in RFC 3339 or Unix form; intermittent success",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-HOST-FORM",
        title="Signed host_id differs in form from the field",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Two sources",
        fix="Sign exactly the field's text",
        gateway_sees="Match with lower, upper, short, FQDN, stripped, quoted, uid, registration_id",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-HASHED",
        title="Hash signed instead of the text",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause=(
            "Habit from RSA or ECDSA; Ed25519 hashes inside. (Ed25519ph also falls here but needs its own "
            "verification.)"
        ),
        fix="Sign the text itself",
        gateway_sees="Match with SHA-256/512/1 digest or hex, or base64 of the text",
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-FIELD-SET",
        title="A field missing or added",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Other document or guess",
        fix="Exactly three fields",
        gateway_sees=(
            "Match on subsets (nonce only, without time, without host) or with registration_id, org_id, "
            "public key added"
        ),
        doctor_probes="`holdfast doctor sign` recomputes with the local key and shows the first differing byte",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-ENC-HEX",
        title="Signature in hex",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"signature must be 64 bytes, is 96"',
        cause="`.hex()`",
        fix="Base64",
        gateway_sees=(
            "128 hex digits: these are valid base64 too and decode to 96 bytes, so test for hex first. "
            "Verifies when read as hex"
        ),
        doctor_probes=(
            "`holdfast check-agent` prints the field and each reading of it; `holdfast doctor sign` prints "
            "the right one"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-B64URL",
        title="Signature in base64url or unpadded",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Fails most times, not always",
        cause="JWT-style encoder",
        fix="Standard base64 with padding (88 characters)",
        gateway_sees="`-`/`_` or 86 characters; verifies when read so",
        doctor_probes=(
            "`holdfast check-agent` prints the field and each reading of it; `holdfast doctor sign` prints "
            "the right one"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-DOUBLE",
        title="Signature base64 twice",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="88 bytes instead of 64",
        cause="Library returned base64 already",
        fix="Encode once",
        gateway_sees="Decodes to 88 base64 characters; verifies",
        doctor_probes=(
            "`holdfast check-agent` prints the field and each reading of it; `holdfast doctor sign` prints "
            "the right one"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-ENC-REPR",
        title="`str(bytes)`: `b'...'`",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Invalid base64",
        cause="Missing `.decode()`",
        fix="`.decode()`",
        gateway_sees="Starts with `b'` and ends with `'`",
        doctor_probes=(
            "`holdfast check-agent` prints the field and each reading of it; `holdfast doctor sign` prints "
            "the right one"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="SIG-NACL-COMBINED",
        title="NaCl signed message (signature followed by message)",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Too long",
        cause="PyNaCl `sign()` returns both",
        fix="Send `.signature` only",
        gateway_sees=(
            "Length 64+n, first 64 bytes verify over the last n: and those show exactly what was signed, no guessing"
        ),
        doctor_probes=(
            "`holdfast check-agent` prints the field and each reading of it; `holdfast doctor sign` prints "
            "the right one"
        ),
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-LENGTH",
        title="Truncated or foreign signature",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"signature must be 64 bytes"',
        cause="Cut by a column or buffer, or another algorithm",
        fix="Ed25519, 64 bytes, base64",
        gateway_sees="< 64 = truncated; 70-72 starting 0x30 = ECDSA; 256/384/512 = RSA; 32 = HMAC; 114 = Ed448",
        doctor_probes="Key type",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-OTHER-KEY",
        title="Signed with a key other than the registered one",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"verification failed", every time, also after a restart',
        cause="Two key files, key rotated between the steps, or cached public key",
        fix="Send the public key derived from the signing key",
        gateway_sees=(
            "Search finds nothing with the registered key, but the expected text verifies under another key "
            "known *for this same host* (last registration, handshake header)"
        ),
        doctor_probes="Derives the public key from the key file in use and compares with the one sent",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="SIG-UNEXPLAINED",
        title="Does not verify and no candidate fits",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Same",
        cause="Unknown",
        fix="Compare your signed bytes with the expected length and hash",
        gateway_sees=(
            "All candidates exhausted (count and time in the evidence). Say so; show SHA-256 and length of "
            "the expected text and ask to run `doctor sign`"
        ),
        doctor_probes="Compares with the local key: definite answer",
        guide=("issue-3", "flow-4", "log-5", "checklist-5", "requirement-3"),
    ),
    Fault(
        code="KEY-PEM",
        title="Public key is PEM or DER",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom='"public key must be 32 bytes, is 44"',
        cause="Exported as SubjectPublicKeyInfo",
        fix="`public_bytes_raw()`, base64",
        gateway_sees="`-----BEGIN`, or 44 bytes with prefix 302a300506032b6570032100: the last 32 are the key",
        doctor_probes="Reads the key file, derives the public key, compares with the one sent (`holdfast check-agent`)",
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-ENCODING",
        title="Public key in hex, base64url or OpenSSH form",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Wrong length",
        cause="Other encoder",
        fix="Base64 of the 32 raw bytes (44 characters)",
        gateway_sees=(
            "64 hex digits (valid base64: 48 bytes), `ssh-ed25519 AAAA...`, 51 bytes with the ssh prefix, `-`/`_`"
        ),
        doctor_probes="Reads the key file, derives the public key, compares with the one sent (`holdfast check-agent`)",
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3", "requirement-5"),
    ),
    Fault(
        code="KEY-LENGTH",
        title="Not an Ed25519 key",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom="Wrong length",
        cause="Other key type",
        fix="Generate an Ed25519 key",
        gateway_sees="32 expected; 33/65 = EC point, 57 = Ed448, 270+ = RSA",
        doctor_probes="Key type",
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-PRIVATE-SENT",
        title="The private key was sent as public key",
        area=Area.SIGNATURE,
        severity=Severity.CRITICAL,
        blame=Blame.AGENT,
        symptom='"verification failed" or wrong length',
        cause="Wrong variable",
        fix="That key is burnt: generate a new one; never log the received value",
        gateway_sees=(
            '64 bytes (seed + public), 48 bytes with prefix 302e0201..., PEM "PRIVATE KEY", or the 32 bytes '
            "used as a *seed* give a public key that verifies the signature"
        ),
        doctor_probes="Reads the key file, derives the public key, compares with the one sent (`holdfast check-agent`)",
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-SMALL-ORDER",
        title="All-zero, one or another small-order point",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.AGENT,
        symptom=(
            "May *succeed*: with OpenSSL-backed libraries the key 01 00..00 accepts a fixed signature for "
            "every message (verified: 64 of 64 messages; all-zero key 13 of 64)"
        ),
        cause="Uninitialised buffer, or an attack",
        fix="Generate a real key; gateway must refuse the list (libsodium does, `cryptography` does not)",
        gateway_sees="One of the 8 small-order points or a non-canonical encoding: reject at init, always",
        doctor_probes="Checks its key file",
        guide=("issue-3", "log-3", "log-5", "checklist-3", "requirement-3"),
    ),
    Fault(
        code="KEY-REGENERATED",
        title="New key at every start",
        area=Area.SIGNATURE,
        severity=Severity.ERROR,
        blame=Blame.HOST,
        symptom='Registered again and again, many entries in `/agents`, or "host_id has another key"',
        cause="Key not persisted",
        fix="Store the key on a persistent path or volume, mode 0600; fail loudly if it cannot be written",
        gateway_sees="Same host_id, machine id hash and IP, new key per process start, keys never come back",
        doctor_probes="Key file missing, read-only, or in a temporary or container layer",
        guide=("issue-3", "issue-C", "log-3", "log-5", "checklist-3", "requirement-3"),
        seen=("wazuh/wazuh-docker#2632", "openappsec/openappsec#159", "UrbanCode/UCD-Docker-Images#9"),
    ),
)
