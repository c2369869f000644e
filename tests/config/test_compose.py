"""The compose file fits the image, and the image fits the programs: checked without a Docker engine."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from sqlalchemy.engine import make_url

from holdfast.cli.reference import commands
from holdfast.config import load
from holdfast.config.database import database_url

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "infra" / "compose" / "docker-compose.yml"
DOCKERFILE = (ROOT / "infra" / "Dockerfile").read_text("utf-8")

TEXTS = {"type": "array", "items": {"type": "string"}}
DURATION = {"type": "string", "pattern": r"^\d+(s|m|h)$"}
# The part of the compose specification that we use; anything else is a typing error or needs a look at this list.
SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image", "healthcheck", "environment", "restart"],
    "properties": {
        "image": {"type": "string"},
        "build": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
        },
        "command": TEXTS,
        "hostname": {"type": "string"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "depends_on": {
            "type": "object",
            "additionalProperties": {"properties": {"condition": {"const": "service_healthy"}}},
        },
        "environment": {"type": "object", "additionalProperties": {"type": "string"}},
        "secrets": TEXTS,
        "volumes": TEXTS,
        "ports": {"type": "array", "items": {"type": "string", "pattern": r"^\d+:\d+$"}},
        "ulimits": {"type": "object", "additionalProperties": {"type": "integer"}},
        "read_only": {"type": "boolean"},
        "tmpfs": TEXTS,
        "cap_drop": TEXTS,
        "security_opt": TEXTS,
        "stop_grace_period": DURATION,
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {
                "test": {**TEXTS, "prefixItems": [{"const": "CMD"}]},
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer"},
            },
        },
    },
}
FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "name": {"type": "string"},
        "services": {"type": "object", "additionalProperties": SERVICE},
        "secrets": {"type": "object", "additionalProperties": {"required": ["file"]}},
        "volumes": {"type": "object"},
    },
}


def compose() -> dict[str, Any]:
    """The file as Docker reads it: anchors and merges resolved."""
    document: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
    return document


def defaults(texts: dict[str, str]) -> dict[str, str]:
    """Values with `${NAME:-default}` replaced by the default."""
    return {name: re.sub(r"\$\{\w+:-(.*?)\}", r"\1", text) for name, text in texts.items()}


def test_the_file_has_the_form_that_compose_takes() -> None:
    Draft202012Validator(FILE).validate(compose())


def test_the_services_have_the_names_of_the_guide() -> None:
    assert set(compose()["services"]) == {"websocket-gateway", "actions-api", "postgres"}


@pytest.mark.parametrize(
    ("service", "command", "port"), [("websocket-gateway", "gateway", 8080), ("actions-api", "api", 8083)]
)
def test_a_service_starts_its_part_on_the_port_of_the_guide(service: str, command: str, port: int) -> None:
    entry = compose()["services"][service]

    assert entry["command"] == [command]
    assert command in commands()
    assert entry["ports"] == [f"{port}:{port}"]
    assert f":{port}/" in entry["healthcheck"]["test"][-1]
    assert entry["hostname"] == service


@pytest.mark.parametrize("service", ["websocket-gateway", "actions-api"])
def test_what_a_service_sets_is_a_configuration_that_loads(service: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p4ss:w@rd/\n")
    environ = defaults(compose()["services"][service]["environment"]) | image_environment()
    environ |= {"HOLDFAST_DATABASE_PASSWORD_FILE": str(tmp_path / "password"), "HOLDFAST_DATA_DIR": str(tmp_path)}

    config = load(environ=environ, working_dir=tmp_path).config

    assert (config.host, config.registration, config.log_format) == ("0.0.0.0", "approve", "console")
    assert (config.gateway_port, config.api_port) == (8080, 8083)
    url = make_url(database_url(config))
    assert (url.drivername, url.username, url.password) == ("postgresql+asyncpg", "holdfast", "p4ss:w@rd/")
    assert (url.host, url.database) == ("postgres", "holdfast")


def image_environment() -> dict[str, str]:
    """The `HOLDFAST_` variables that the image sets."""
    return dict(re.findall(r"(HOLDFAST_\w+)=(\S+)", DOCKERFILE))


def test_every_secret_and_volume_that_is_used_is_declared() -> None:
    document = compose()

    used = {secret for service in document["services"].values() for secret in service.get("secrets", [])}
    volumes = {
        volume.split(":")[0] for service in document["services"].values() for volume in service.get("volumes", [])
    }
    assert used == set(document["secrets"])
    assert volumes == set(document["volumes"])


def test_agents_are_sent_away_before_the_container_is_killed() -> None:
    grace_s = int(compose()["services"]["websocket-gateway"]["stop_grace_period"].removesuffix("s"))

    assert grace_s > load(environ={}).config.timeouts.drain_s


def test_the_image_runs_as_nobody_in_particular_and_from_locked_dependencies() -> None:
    instructions = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]

    assert ["USER", "holdfast"] in instructions
    assert [word for word, _ in instructions if word == "FROM"] == ["FROM", "FROM"]
    assert ["ENTRYPOINT", '["holdfast"]'] in instructions
    installs = [command for command in DOCKERFILE.split("&&") if "pip install" in command]
    assert all("--require-hashes" in command or "--no-deps" in command for command in installs)


def test_what_the_image_copies_is_there() -> None:
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)

    for path in " ".join(copied).split():
        assert (ROOT / path).exists()


def test_the_file_at_the_root_includes_it() -> None:
    root = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))

    assert [ROOT / path for path in root["include"]] == [COMPOSE]
