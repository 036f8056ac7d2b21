"""Apache Kafka on loopback: one KRaft node that is broker and controller, without Docker or an installed Java."""

import base64
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from truenorth.errors import MissingError
from truenorth.ids import random_secret

from truenorth_local.jars import class_path
from truenorth_local.java import find_java
from truenorth_local.places import HOST
from truenorth_local.processes import Log, Process

HEAP_MAX: Final = "512m"
FORMAT_SECONDS_MAX: Final = 120


def server_properties(data: Path, *, port: int, controller_port: int) -> str:
    """Return the broker's configuration: one node, so every internal topic has one replica."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.bootstrap.servers": f"{HOST}:{controller_port}",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(data / "log"),
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "8",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "log.message.timestamp.type": "LogAppendTime",
        "group.initial.rebalance.delay.ms": "0",
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def _java_command(environment: Mapping[str, str], cache: Path) -> list[str]:
    return [
        find_java(environment),
        f"-Xmx{HEAP_MAX}",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        class_path(cache),
    ]


def _cluster_id() -> str:
    # As an argument of the format tool it must not look like an option.
    return "T" + base64.urlsafe_b64encode(bytes.fromhex(random_secret(16))).decode().rstrip("=")[1:]


def start_kafka(
    data: Path, *, port: int, controller_port: int, cache: Path, environment: Mapping[str, str], log: Log, common: Log
) -> Process:
    """Format ``data`` when it is new and start the broker; it is ready when `answers.kafka_answers` says so."""
    data.mkdir(parents=True, exist_ok=True)
    properties = data / "server.properties"
    properties.write_text(server_properties(data, port=port, controller_port=controller_port), "utf-8")
    java = _java_command(environment, cache)
    if not (data / "log" / "meta.properties").exists():
        _format(java, data, properties, environment, log)
    return Process("kafka", [*java, "kafka.Kafka", str(properties)], environment, log=log, common=common, folder=data)


def _format(java: list[str], data: Path, properties: Path, environment: Mapping[str, str], log: Log) -> None:
    # What an interrupted format left has no meta.properties, and nothing that anyone could miss.
    shutil.rmtree(data / "log", ignore_errors=True)
    command = [*java, "kafka.tools.StorageTool", "format", "--standalone", "-t", _cluster_id(), "-c", str(properties)]
    said = subprocess.run(  # noqa: S603
        command, env=dict(environment), capture_output=True, timeout=FORMAT_SECONDS_MAX, check=False
    )
    log.write(said.stdout + said.stderr)
    if said.returncode:
        raise MissingError(f"Kafka could not prepare {data}: {log.last_lines(1)} (all of it is in {log.path}).")
