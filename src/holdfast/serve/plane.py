"""The parts of one process, started and stopped in order."""

import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import msgspec

from holdfast import logs
from holdfast.agent.client import Agent
from holdfast.api.about import About
from holdfast.api.access import Access
from holdfast.api.app import create_app
from holdfast.api.listener import cannot_listen, listen
from holdfast.api.server import ApiServer
from holdfast.api.verdicts import verdict_routes
from holdfast.bus import LocalBus
from holdfast.config import Config, Value
from holdfast.config.database import database_url
from holdfast.config.problems import misconfigured
from holdfast.diagnosis.joining import join
from holdfast.diagnosis.recording import Recorder
from holdfast.diagnosis.signatures.search import SignatureExplainer
from holdfast.diagnosis.watcher import Watcher
from holdfast.diagnosis.webhook import Webhook
from holdfast.gateway import Gateway, Journal, Orders
from holdfast.registry import Ledger, RegistrationPolicy, Registry
from holdfast.serve.explaining import Explaining
from holdfast.serve.minutes import Minutes
from holdfast.serve.occupancy import occupied
from holdfast.serve.pages import Pages
from holdfast.serve.sampling import Sampling
from holdfast.serve.settings import bindable, gateway_settings, reachable, shown_settings
from holdfast.store import Store, open_store

if TYPE_CHECKING:
    import structlog

LOCAL_TOKEN_S: Final = 3600.0


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """Where everything is, once it runs. A port is None where its part runs elsewhere."""

    config: Config
    gateway_port: int | None
    api_port: int | None
    sign_in_path: str | None = None


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What this process is to run."""

    gateway: bool = False
    api: bool = False
    agent: bool = False


class ControlPlane:
    """Everything one process runs. `stop` is also right after a `start` that failed half-way."""

    def __init__(self, config: Config, parts: Parts, *, shown: Sequence[Value] = ()) -> None:
        self._config = config
        self._shown = shown
        self._parts = parts
        self._log = logs.logger(logs.GATEWAY_SERVICE if parts.gateway else logs.API_SERVICE)
        # What gateway and API stand on, to be closed in the opposite order after them.
        self._running = AsyncExitStack()
        self._gateway: Gateway | None = None
        self._api: ApiServer | None = None
        self._agent: Agent | None = None
        self._pages: Pages | None = None
        self._store: Store | None = None

    @property
    def running(self) -> Running:
        """Where everything is; ports are the real ones, also where 0 was asked for."""
        return Running(
            config=self._config,
            gateway_port=self._gateway.port if self._gateway else None,
            api_port=self._api.port if self._api else None,
            sign_in_path=self._pages.link.path if self._pages else None,
        )

    async def start(self) -> None:
        """Open the store and listen.

        Raises:
            Refused: an address cannot be listened on, or the database URL cannot be used.
            Unavailable: the database cannot be opened.
        """
        config = self._config
        _check_ports(config, self._parts)
        # The port is taken before anything else is touched: a second start must leave no trace.
        listener = _api_listener(config) if self._parts.api else None
        if listener is not None:
            self._running.callback(listener.close)
        if self._parts.gateway and config.data_dir is not None:
            self._running.enter_context(occupied(config.data_dir))
        registry, bus, about = await self._open_registry()
        if self._parts.gateway:
            await self._start_gateway(registry, bus)
        if listener is not None:
            await self._start_api(registry, about, listener)
        self._log.info(
            "control-plane.started",
            version=about.version,
            registration=about.registration,
            host=config.host,
            gateway_port=self.running.gateway_port,
            api_port=self.running.api_port,
        )
        if self._parts.agent:
            await self._start_agent(registry)

    async def stop(self) -> None:
        """Stop the agent, send all others away, and answer API requests until that is done."""
        self._log.info("control-plane.stopping")
        if self._store is not None:
            self._store.leave()
        if self._agent is not None:
            await self._agent.stop()
        if self._gateway is not None:
            await self._gateway.stop()
        await self._running.aclose()
        self._log.info("control-plane.stopped")

    def reload_tls(self) -> None:
        """Use the certificate files as they are now; if they are wrong, the old certificate stays in force."""
        if self._gateway is None:
            return
        try:
            self._gateway.reload_tls()
        except (OSError, ssl.SSLError) as error:
            self._log.error("tls.reload_failed", code="CFG-FILE", why=str(error))
        else:
            self._log.info("tls.reloaded")

    def _policy(self, registration: str) -> str:
        """Who may register, as the API may tell it: gateways elsewhere decide, and their default need not be ours."""
        source = next((value.source for value in self._shown if value.key == "registration"), "")
        return registration if self._parts.gateway or not source.startswith("default") else "unknown"

    def _node_id(self) -> str:
        name = self._config.node_id or socket.gethostname()
        # A node puts right at its start what its last life left behind: an API of its own must not take the agents
        # that a gateway on the same host holds for such.
        return name if self._parts.gateway else f"{name}-api"

    async def _open_registry(self) -> tuple[Registry, LocalBus, About]:
        config = self._config
        assert config.registration is not None, "load fills it in"
        store = self._store = await open_store(database_url(config))
        self._running.push_async_callback(store.close)
        bus = LocalBus()
        self._running.push_async_callback(bus.close)
        registry = Registry(
            store,
            bus,
            policy=RegistrationPolicy(config.registration),
            node_id=self._node_id(),
            heartbeat_interval_s=config.timeouts.heartbeat_interval_s,
            clock=time.time,
        )
        await registry.start()
        self._running.push_async_callback(registry.close)
        about = About(
            version=version("holdfast"),
            registration=self._policy(config.registration),
            started_at=time.time(),
            clock=time.time,
            probes={"store": store.ping, "bus": bus.ping},
            settings=shown_settings(self._shown),
        )
        return registry, bus, about

    async def _start_gateway(self, registry: Registry, bus: LocalBus) -> None:
        config = self._config
        ledger = Ledger(registry.attempts)
        explainer = SignatureExplainer()
        self._running.push_async_callback(explainer.aclose)
        watcher = Watcher(findings=registry.findings, presence=registry.presence, bus=bus, clock=time.time)
        await watcher.start()
        self._running.push_async_callback(watcher.close)
        journal = Journal(self._log, ledger.record, watcher.record)
        if config.record_events is not None:
            recorder = _recorder(config.record_events)
            self._running.callback(recorder.close)
            journal.subscribe(recorder.record)
        if config.webhook_url is not None:
            webhook = Webhook(config.webhook_url, findings=registry.findings, bus=bus, clock=time.time)
            webhook.start()
            self._running.push_async_callback(webhook.close)
        gateway = Gateway(
            gateway_settings(config), registry=registry, journal=journal, explain=Explaining(explainer, registry)
        )
        try:
            await gateway.start()
        except ssl.SSLError as error:
            raise misconfigured(
                "CFG-FILE",
                what="the TLS certificate or its key cannot be used",
                why=str(error),
                fix="Give tls_cert the whole chain and tls_key its own private key, both as PEM",
            ) from error
        except OSError as error:
            purpose, option = "gateway", "--gateway-port"
            raise cannot_listen(error, config.host, config.gateway_port, purpose=purpose, option=option) from error
        self._gateway = gateway
        ledger.start()
        self._running.push_async_callback(ledger.close)
        self._running.push_async_callback(Orders(gateway, registry, bus).close)
        minutes = Minutes(gateway, registry.aggregates, node=self._node_id(), clock=time.time)
        minutes.start()
        self._running.push_async_callback(minutes.close)
        sampling = Sampling(gateway, registry.agent_minutes, node=self._node_id(), clock=time.time)
        sampling.start()
        self._running.push_async_callback(sampling.close)

    async def _start_api(self, registry: Registry, about: About, listener: socket.socket) -> None:
        config = self._config
        access = Access(config.host, frozenset(name.lower() for name in config.allowed_hosts))
        gateway_port = self.running.gateway_port or config.gateway_port
        facts: dict[str, object] = {"gateway_port": gateway_port, "gateway_tls": config.tls_cert is not None}
        self._pages = Pages(registry, about, access, facts=facts)
        app = create_app(
            registry=registry,
            about=about,
            access=access,
            gateway_port=gateway_port,
            log=logs.logger(logs.API_SERVICE),
            routes=[verdict_routes(join), self._pages.router],
        )
        self._api = ApiServer(app, listener, tls_cert=config.api_tls_cert, tls_key=config.api_tls_key)
        await self._api.start()
        self._running.push_async_callback(self._api.stop)
        self._running.push_async_callback(self._pages.close)

    async def _start_agent(self, registry: Registry) -> None:
        config = self._config
        assert config.data_dir is not None, "load fills it in"
        state_dir = config.data_dir / "agent"
        token = None
        if config.registration == "token" and not state_dir.exists():
            # Whoever asked for a local agent has let it in.
            issued = await registry.enrolment_tokens.create("local agent", max_uses=1, ttl=LOCAL_TOKEN_S, actor="up")
            token = issued.secret
        scheme = "wss" if config.tls_cert else "ws"
        self._agent = Agent(
            f"{scheme}://{reachable(config.host)}:{self.running.gateway_port}",
            state_dir=state_dir,
            labels={"holdfast": "local"},
            enrolment_token=token,
            ca_file=config.tls_cert,
            log=cast("structlog.stdlib.BoundLogger", logs.logger(logs.AGENT_SERVICE)),  # the same methods
        )
        await self._agent.__aenter__()


def _check_ports(config: Config, parts: Parts) -> None:
    # Both sockets may be bound to one port as long as neither listens: the system would tell only at the very end.
    if parts.gateway and parts.api and config.gateway_port == config.api_port != 0:
        raise misconfigured(
            "CFG-CONFLICT",
            what=f"gateway_port and api_port are both {config.api_port}",
            why="gateway and Actions API each need a port of their own",
            fix="Choose another port with --gateway-port or --api-port",
            field="api_port",
        )


def _recorder(path: Path) -> Recorder:
    try:
        return Recorder(path)
    except OSError as error:
        raise misconfigured(
            "CFG-FILE",
            what=f"{path} cannot be written",
            why=error.strerror or str(error),
            fix="Correct record_events, or the owner and mode of what is there",
        ) from error


def _api_listener(config: Config) -> socket.socket:
    return listen(bindable(config.host), config.api_port, purpose="Actions API", option="--api-port")
