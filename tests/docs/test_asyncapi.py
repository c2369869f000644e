"""asyncapi.yaml is sound AsyncAPI 3.0, says what our structs say, and the published vectors fit it."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import msgspec
import pytest
import yaml
from referencing import Registry
from referencing.jsonschema import DRAFT7

from holdfast.protocol import payloads
from holdfast.protocol.jsontext import JSON_ERRORS, strict_json
from holdfast.protocol.limits import MAX_CHANNEL_CHARS, MAX_HOST_ID_CHARS, MAX_ID_CHARS
from tests.processes import ROOT

REFERENCE = ROOT / "docs" / "reference"
# The document is JSON of any shape: `Any` is what it is.
DOCUMENT: dict[str, Any] = yaml.safe_load((REFERENCE / "asyncapi.yaml").read_text("utf-8"))
MESSAGES: dict[str, list[dict[str, Any]]] = json.loads((REFERENCE / "vectors" / "messages.json").read_bytes())
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
# AsyncAPI 3.0, "Schema Object": a superset of JSON Schema draft 07.
REGISTRY: Registry[Any] = Registry().with_resource("asyncapi", DRAFT7.create_resource(DOCUMENT))
STRUCTS: Mapping[str, type[msgspec.Struct]] = {
    "Init": payloads.Init,
    "Challenge": payloads.Challenge,
    "Complete": payloads.Complete,
    "Confirmation": payloads.Confirmation,
    "Auth": payloads.Auth,
    "AuthAnswer": payloads.AuthAnswer,
    "ServerTime": payloads.ServerTime,
    "Error": payloads.ErrorPayload,
}


def references(node: object, path: str = "#") -> Iterator[tuple[str, str]]:
    """Every `$ref` in the document, with the place where it stands."""
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield path, value
            yield from references(value, f"{path}/{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from references(value, f"{path}/{place}")


def resolve(reference: str) -> dict[str, Any]:
    found: Any = DOCUMENT
    for key in reference.removeprefix("#/").split("/"):
        found = found[key]
    assert isinstance(found, dict)
    return found


def validator(schema: dict[str, Any]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(_absolute(schema), registry=REGISTRY)


def _absolute(node: Any) -> Any:
    if isinstance(node, dict):
        return {
            key: f"asyncapi{value}" if key == "$ref" and str(value).startswith("#") else _absolute(value)
            for key, value in node.items()
        }
    return [_absolute(value) for value in node] if isinstance(node, list) else node


def fits(schema: dict[str, Any], value: object) -> list[str]:
    """Why `value` does not fit; empty where it does."""
    return [error.message for error in validator(schema).iter_errors(value)]


def complaints(message: str, text: str | bytes) -> list[str]:
    """What is wrong with a frame that should be this message of the document, the payload's content included."""
    schema = DOCUMENT["components"]["messages"][message]["payload"]
    try:
        envelope = strict_json(text if isinstance(text, str) else text.decode())
    except ValueError as error:
        return [repr(error)]
    if wrong := fits(schema, envelope):
        return wrong
    assert isinstance(envelope, dict)
    content = schema["allOf"][1]["properties"]["payload"]["contentSchema"]
    try:
        inside = strict_json(base64.b64decode(envelope["payload"], validate=True).decode() or "{}")
    except JSON_ERRORS as error:
        return [repr(error)]
    return fits(content, inside)


def test_the_document_has_the_parts_of_asyncapi_3() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) <= {"asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations"} | {
        "components"
    }
    assert {"title", "version"} <= set(DOCUMENT["info"])
    assert all({"host", "protocol"} <= set(server) for server in DOCUMENT["servers"].values())
    for kind, parts in {"": DOCUMENT, **DOCUMENT["components"]}.items():
        names = [*parts] if kind else [*DOCUMENT["channels"], *DOCUMENT["operations"]]
        assert all(re.fullmatch(r"[a-zA-Z0-9_.-]+", name) for name in names)


def test_every_reference_resolves() -> None:
    found = list(references(DOCUMENT))

    assert len(found) > 50
    for _, reference in found:
        resolve(reference)


def test_every_operation_names_messages_of_its_own_channel() -> None:
    used = set()
    for name, operation in DOCUMENT["operations"].items():
        assert operation["action"] in {"send", "receive"}, name
        reply = operation.get("reply", {})
        channel = operation["channel"]["$ref"]
        for part in (operation, reply):
            for message in part.get("messages", []):
                assert message["$ref"].startswith(f"{channel}/messages/"), name
                used.add(message["$ref"].rpartition("/")[2])

    assert used == set(DOCUMENT["channels"]["agent"]["messages"]) == set(DOCUMENT["components"]["messages"])


def test_every_schema_is_a_valid_json_schema() -> None:
    for schema in [*SCHEMAS.values(), *(m["payload"] for m in DOCUMENT["components"]["messages"].values())]:
        jsonschema.Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("name", STRUCTS)
def test_a_schema_has_the_fields_of_the_struct_that_we_send_or_read(name: str) -> None:
    fields = msgspec.structs.fields(STRUCTS[name])

    assert set(SCHEMAS[name]["properties"]) == {field.encode_name for field in fields}
    required = {field.encode_name for field in fields if field.required}
    # More may be required than the struct demands: what we always send, a stranger may rely on.
    assert required <= set(SCHEMAS[name]["required"])


def test_the_limits_are_those_of_the_protocol() -> None:
    envelope = SCHEMAS["Envelope"]["properties"]

    assert envelope["id"]["maxLength"] == MAX_ID_CHARS
    assert envelope["channel"]["maxLength"] == MAX_CHANNEL_CHARS
    assert SCHEMAS["HostId"]["maxLength"] == MAX_HOST_ID_CHARS


def message_name(frame: str) -> str:
    envelope = json.loads(frame)
    kind, channel = envelope["type"], envelope["channel"]
    if kind in ("heartbeat", "ack", "error"):
        return str(kind)
    return {
        ("request", "agent.registration"): "init",
        ("response", "agent.registration"): "challenge",
        ("request", "agent.registration.complete"): "complete",
        ("response", "agent.registration.complete"): "confirmation",
        ("request", "auth"): "auth",
        ("response", "auth"): "authAnswer",
    }[kind, channel]


@pytest.mark.parametrize("vector", MESSAGES["valid"], ids=lambda vector: str(vector["name"]))
def test_a_valid_message_fits_its_schema(vector: dict[str, Any]) -> None:
    assert complaints(message_name(vector["frame"]), vector["frame"]) == []


# What a schema of one message cannot say: whether it comes in the right order, and whether a point has a small order.
ORDER = {"MSG-BEFORE-REGISTERED", "REG-COMPLETE-FIRST", "KEY-SMALL-ORDER"}


@pytest.mark.parametrize(
    "vector",
    [vector for kind in ("refused", "refused_first") for vector in MESSAGES[kind] if vector["code"] not in ORDER],
    ids=lambda vector: str(vector["name"]),
)
def test_a_refused_message_does_not_fit_the_schema_of_init(vector: dict[str, Any]) -> None:
    frame = vector["frame"] if "frame" in vector else base64.b64decode(vector["frame_base64"])

    assert complaints("init", frame) != []


def test_an_error_of_the_gateway_fits_its_schema() -> None:
    refusal = payloads.ErrorPayload(
        code="MSG-NOT-JSON",
        title="the frame is not JSON",
        detail="it is empty",
        fix="Send JSON",
        docs="docs/diagnosis/MSG-NOT-JSON.md",
        attempt="a-1",
        field="payload.host_id",
        evidence={"position": 0, "starts_with": "", "known": True, "ratio": 0.5, "nearest": None},
    )

    assert fits(SCHEMAS["Error"], msgspec.to_builtins(refusal)) == []
