"""The whole platform on one machine, as an object: the command line's supervisor and the tests both drive it."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from truenorth.clock import Clock
from truenorth.errors import MissingError, RefusedError
from truenorth.ids import random_secret
from truenorth.topics import PARTITIONS_DEFAULT

from truenorth_local import answers, jars, postgres
from truenorth_local.kafka import start_kafka
from truenorth_local.leftovers import write_leftovers
from truenorth_local.places import HOST, Places, Ports, cache_directory, port_is_free
from truenorth_local.processes import Log, Process
from truenorth_local.services import WITH_DATABASE, kept_secret, kept_secrets, service_settings

READY_SECONDS_MAX: Final = 90.0
POLL_SECONDS: Final = 0.1
RUN_SECONDS_MAX: Final = 300


class LocalStack:
    """Kafka, PostgreSQL, a mail server and the services, with their data under one folder.

    ``environment`` is what every part starts from; with ``KAFKA_BOOTSTRAP_SERVERS`` or ``DATABASE_URL`` in it the
    stack uses those and starts none of its own. ``durable`` False lets the database skip fsync, for tests.
    """

    def __init__(
        self,
        state_directory: Path,
        *,
        ports: Ports,
        environment: Mapping[str, str],
        clock: Clock,
        durable: bool = True,
    ) -> None:
        self.places = Places(state_directory.resolve())
        self.ports = ports
        self.environment = dict(environment)
        self.clock = clock
        self._durable = durable
        self.places.make()
        self.common_log = Log(self.places.logs / "stack.log")
        self.processes: dict[str, Process] = {}
        self._starters: dict[str, Callable[[], Process]] = {}
        self.bootstrap = environment.get("KAFKA_BOOTSTRAP_SERVERS") or f"{HOST}:{ports.kafka}"
        self.own_kafka = not environment.get("KAFKA_BOOTSTRAP_SERVERS")
        self.own_postgres = not environment.get("DATABASE_URL")
        self._password = kept_secret(self.places.root / "database-password")
        self.database_url = environment.get("DATABASE_URL") or postgres.database_url(self._password, ports.postgres)
        self.smtp_url = f"smtp://{HOST}:{ports.smtp}"
        self._given_up = threading.Event()

    @property
    def mail_dir(self) -> Path:
        """Where the mail server keeps what it got."""
        return self.places.mail

    def log(self, name: str) -> Log:
        """Return a part's log, opened for appending."""
        return Log(self.places.logs / f"{name}.log")

    def start_backing(self, progress: jars.Progress = lambda _done, _total: None) -> None:
        """Start Kafka, PostgreSQL and mail together; returns when each of them serves."""
        starts: list[Callable[[], None]] = [self._start_mail]
        starts += [lambda: self._start_kafka(progress)] if self.own_kafka else [self._check_kafka]
        starts += [self._start_postgres] if self.own_postgres else [self._check_postgres]
        with ThreadPoolExecutor(len(starts)) as pool:
            for started in [pool.submit(start) for start in starts]:
                started.result()

    def launch(self, name: str, start: Callable[[], Process]) -> Process:
        """Start a part and remember how, so that `revive` can start it again."""
        before = self.processes.get(name)
        if before is not None:
            if before.poll() is None:
                raise RefusedError("part.runs", f"{name} runs already; stop it first, or give this one another label.")
            before.wait()
            before.log.close()
        self._starters[name] = start
        self.processes[name] = start()
        write_leftovers(self.places.root, self.processes)
        return self.processes[name]

    def revive(self, name: str) -> Process:
        """Start a part again that has ended."""
        return self.launch(name, self._starters[name])

    def _start_kafka(self, progress: jars.Progress) -> None:
        cache = cache_directory(self.environment)
        jars.fetch(cache, self.environment, progress)
        self.require_port("kafka", self.ports.kafka)
        self.require_port("kafka", self.ports.kafka_controller)
        self.launch(
            "kafka",
            lambda: start_kafka(
                self.places.kafka,
                port=self.ports.kafka,
                controller_port=self.ports.kafka_controller,
                cache=cache,
                environment=self.environment,
                log=self.log("kafka"),
                common=self.common_log,
            ),
        )
        self.wait_until("kafka", lambda: answers.kafka_answers(self.bootstrap))

    def _start_postgres(self) -> None:
        self.require_port("postgres", self.ports.postgres)
        self.launch(
            "postgres",
            lambda: postgres.start_postgres(
                self.places.postgres,
                port=self.ports.postgres,
                password=self._password,
                environment=self.environment,
                log=self.log("postgres"),
                common=self.common_log,
                durable=self._durable,
            ),
        )
        self.wait_until("postgres", lambda: answers.postgres_answers(self.database_url))

    def _start_mail(self) -> None:
        self.require_port("mail", self.ports.smtp)
        command = [sys.executable, "-m", "truenorth_local.mail", str(self.places.mail), str(self.ports.smtp)]
        self.launch("mail", lambda: self._process("mail", command, self.environment))
        self.wait_until("mail", lambda: answers.smtp_answers(HOST, self.ports.smtp))

    def start_webhooks(self) -> None:
        """Start the receiver the example definitions send webhooks to."""
        self.require_port("webhooks", self.ports.webhooks)
        module = "truenorth_local.webhooks"
        command = [sys.executable, "-m", module, str(self.places.webhooks), str(self.ports.webhooks)]
        self.launch("webhooks", lambda: self._process("webhooks", command, self.environment))
        self.wait_until("webhooks", lambda: answers.port_answers(HOST, self.ports.webhooks))

    def _process(self, name: str, command: list[str], environment: Mapping[str, str]) -> Process:
        return Process(name, command, environment, log=self.log(name), common=self.common_log)

    def _check_kafka(self) -> None:
        if not answers.kafka_answers(self.bootstrap):
            raise MissingError(
                f"KAFKA_BOOTSTRAP_SERVERS is {self.bootstrap}, but no Kafka answers there; start it or unset it."
            )

    def _check_postgres(self) -> None:
        if not answers.postgres_answers(self.database_url):
            raise MissingError("No PostgreSQL takes connections at DATABASE_URL; start it, correct it or unset it.")

    def create_topics(self, *, partitions: int = PARTITIONS_DEFAULT) -> None:
        """Make sure that every topic of the catalogue exists, with one replica on a broker of one's own."""
        from truenorth.kafka.admin import ensure_topics

        replicas = int(self.environment.get("TRUENORTH_REPLICAS", "1"))
        # A loop of its own in a thread of its own: the caller may be inside one already.
        with ThreadPoolExecutor(1) as pool:
            pool.submit(asyncio.run, ensure_topics(self.bootstrap, partitions=partitions, replicas=replicas)).result()

    def new_database(self) -> str:
        """Create an empty database on the stack's own server and return its URL."""
        name = f"d{random_secret(8)}"
        postgres.run_sql(self.database_url, f"CREATE DATABASE {name}", self.environment)
        return postgres.database_url(self._password, self.ports.postgres, name)

    def settings_of(self, name: str) -> dict[str, str]:
        """Return the environment a service, or a command of it, runs with."""
        return service_settings(
            name,
            self.environment,
            ports=self.ports,
            bootstrap=self.bootstrap,
            database_url=self.database_url,
            secrets=kept_secrets(self.places.root),
        )

    def telemetry_url(self, name: str) -> str:
        """Return where a service's probes and metrics are."""
        return f"http://{HOST}:{self.ports.telemetry[name]}"

    def run(self, name: str, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
        """Run a Python module to its end with a service's settings and return what it printed.

        `MissingError` with its last words when it fails.
        """
        said = subprocess.run(  # noqa: S603
            [sys.executable, "-m", module, *arguments],
            env=self.settings_of(name) | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS_MAX,
            check=False,
        )
        self.common_log.write_text(f"{name:<9} | ", said.stdout + said.stderr)
        if said.returncode:
            last = (said.stderr or said.stdout).strip().splitlines()[-1:] or ["it said nothing"]
            command = " ".join([module, *arguments])
            raise MissingError(f"`{command}` failed: {last[0]} (all of it is in {self.common_log.path}).")
        return said.stdout

    def migrate(self, name: str) -> None:
        """Bring a service's schema up to date; nothing to do for a service without a database."""
        if name in WITH_DATABASE:
            self.run(name, f"truenorth_{name}", "migrate")

    def start_service(
        self, name: str, env: Mapping[str, str] | None = None, *, wait_ready: bool = True, label: str | None = None
    ) -> Process:
        """Start ``python -m truenorth_<name>``; ``env`` wins over the stack's settings.

        With ``wait_ready`` it returns when ``/readyz`` says ready. ``label`` names a second one of a kind.
        """
        label = name if label is None else label
        settings = self.settings_of(name) | dict(env or {})
        command = [sys.executable, "-m", f"truenorth_{name}"]
        process = self.launch(label, lambda: self._process(label, command, settings))
        if wait_ready:
            telemetry = f"http://{HOST}:{settings['TRUENORTH_TELEMETRY_PORT']}"
            self.wait_until(label, lambda: not answers.why_not_ready(telemetry))
        return process

    def start_command(self, name: str, *arguments: str) -> Process:
        """Start a ``truenorth`` command that sends events as a part of its own; it gets the local write key."""
        command = [sys.executable, "-m", "truenorth.commands.main", *arguments]
        settings = self.settings_of("ingest") | {"TRUENORTH_WRITE_KEY": self.places.write_key.read_text("utf-8")}
        return self.launch(name, lambda: self._process(name, command, settings))

    def stop_service(self, name: str) -> int:
        """Stop a service and return its exit code."""
        process = self.processes.pop(name)
        code = process.stop()
        process.log.close()
        return code

    def require_port(self, part: str, port: int) -> None:
        """Raise `MissingError` when another program listens on this port."""
        if not port_is_free(port):
            raise MissingError(
                f"Port {port}, which {part} needs, is taken by another program: stop that, or set"
                f" {self.ports.setting_of(port)} to a free port."
            )

    def wait_until(self, name: str, serves: Callable[[], bool], seconds: float = READY_SECONDS_MAX) -> None:
        """Wait until a started part serves; `MissingError` when it ends or does not within ``seconds``."""
        process = self.processes[name]
        deadline = self.clock.monotonic() + seconds
        while not serves():
            if process.poll() is not None:
                process.wait()
                raise MissingError(
                    f"{name} ended while starting (exit code {process.returncode}): {process.log.last_lines(2)}"
                    f" (all of it is in {process.log.path})."
                )
            if self.clock.monotonic() > deadline:
                raise MissingError(f"{name} did not serve within {seconds:.0f} s; see {process.log.path}.")
            if self._given_up.wait(POLL_SECONDS):
                raise MissingError("It was stopped while starting.")

    def give_up(self) -> None:
        """Make every wait for a part end soon; safe to call from a signal handler."""
        self._given_up.set()

    def stop(self) -> None:
        """Stop everything, the services first; what was written stays."""
        backing = [name for name in ("webhooks", "mail", "postgres", "kafka") if name in self.processes]
        services = [name for name in self.processes if name not in backing]
        for name in services:
            self.processes[name].terminate()
        for name in [*reversed(services), *backing]:
            process = self.processes.pop(name)
            process.stop()
            process.log.close()
        self.common_log.close()
        write_leftovers(self.places.root, self.processes)
