"""The command ``cnnwidgets``: what it starts, what it refuses, and a real JupyterLab from start to Ctrl+C."""

import importlib.util
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import cnnwidgets
from cnnwidgets import cli


@pytest.fixture
def started(monkeypatch):
    """Commands that would have been started."""
    commands = []
    monkeypatch.setattr(cli, "_become", lambda command, environment: commands.append(command) or 0)
    return commands


@pytest.fixture
def as_wheel(monkeypatch, tmp_path):
    """Pretend that there is no source checkout, and work in an empty folder."""
    monkeypatch.setattr(cli, "tutorials_in_place", lambda: None)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def option(command, name):
    return next(part.removeprefix(f"{name}=") for part in command if part.startswith(f"{name}="))


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--version"])
    assert capsys.readouterr().out == f"cnnwidgets {cnnwidgets.__version__}\n"


def test_help_names_the_commands(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.main(["--help"])
    out = capsys.readouterr().out
    assert "lab" in out and "networks" in out


def test_networks(capsys):
    assert cli.main(["networks"]) == 0
    assert {"toynet", "toynet-gap", "alexnet", "resnet18"} <= set(capsys.readouterr().out.split("\n"))


def test_lab_is_for_this_machine_only_and_keeps_its_token(started, capsys):
    assert cli.main(["lab"]) == 0
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "jupyterlab"]
    assert option(command, "--ServerApp.ip") == "127.0.0.1"
    assert not any("token" in part.lower() or "password" in part.lower() for part in command)
    assert option(command, "--LabApp.default_url") == "/lab/tree/01_first_layer_filters.ipynb"
    assert "--no-browser" not in command
    folder = Path(option(command, "--ServerApp.root_dir"))
    assert (folder / "02_activation_maps.ipynb").is_file()
    assert str(folder) in capsys.readouterr().out


def test_lab_from_a_checkout_works_in_place(started):
    cli.main(["lab"])
    checkout = Path(__file__).parents[1] / "notebooks"
    assert option(started[0], "--ServerApp.root_dir") == str(checkout)


def test_lab_from_a_wheel_works_on_a_copy_and_says_what_it_kept(started, as_wheel, capsys):
    copy = as_wheel / "cnnwidgets-tutorials"
    cli.main(["lab"])
    assert option(started[0], "--ServerApp.root_dir") == str(copy)
    (copy / "02_activation_maps.ipynb").write_text("mine")
    (copy / ".cnnwidgets-tutorials.json").unlink()
    cli.main(["lab"])
    assert "02_activation_maps.ipynb has your changes and was kept" in capsys.readouterr().out
    assert (copy / "02_activation_maps.ipynb").read_text() == "mine"
    assert (copy / "02_activation_maps-new.ipynb").is_file()


def test_lab_options_reach_jupyter(started, tmp_path, free_port):
    cli.main(["lab", "--port", str(free_port), "--no-browser", "--folder", str(tmp_path / "ä b")])
    (command,) = started
    assert f"--ServerApp.port={free_port}" in command and "--ServerApp.port_retries=0" in command
    assert "--no-browser" in command
    assert option(command, "--ServerApp.root_dir") == str(tmp_path / "ä b")


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_root_is_allowed_and_told(started, monkeypatch, capsys, user, allowed):
    monkeypatch.setattr(cli.os, "geteuid", lambda: user, raising=False)
    cli.main(["lab"])
    assert ("--allow-root" in started[0]) is allowed
    assert ("You are root" in capsys.readouterr().out) is allowed


def test_without_jupyterlab_it_says_how_to_install_it(started, monkeypatch, capsys):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "jupyterlab" else find_spec(name)
    )
    assert cli.main(["lab"]) == 1
    assert 'pip install "cnnwidgets[lab]"' in capsys.readouterr().err
    assert started == []


def test_a_taken_port_is_refused(started, capsys):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert cli.main(["lab", "--port", str(port)]) == 1
    assert f"port {port} is taken" in capsys.readouterr().err
    assert started == []


@pytest.mark.parametrize("port", ["0", "65536", "-1", "abc"])
def test_a_port_that_is_none_is_refused(started, capsys, port):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["lab", f"--port={port}"])
    assert "choose a number from 1 to 65535" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_refused(started, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert cli.main(["lab", "--folder", str(tmp_path / "file")]) == 1
    assert "choose another --folder" in capsys.readouterr().err


@pytest.fixture
def terminal():
    """The student's end of a terminal: Jupyter asks back on Ctrl+C only when there is one."""
    ours, theirs = os.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


@pytest.mark.skipif(os.name != "posix", reason="signals of a POSIX terminal")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_a_real_jupyterlab_from_start_to_ctrl_c(tmp_path, free_port, terminal, how):
    command = [sys.executable, "-m", "cnnwidgets", "lab", "--no-browser", f"--port={free_port}"]
    command += ["--folder", str(tmp_path / "desk")]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            address = first_address(process)
            assert address.startswith(
                f"http://127.0.0.1:{free_port}/lab/tree/01_first_layer_filters.ipynb?token="
            )
            api = f"http://127.0.0.1:{free_port}/api/contents"
            with pytest.raises(urllib.error.HTTPError, match="403"):
                fetch(api)
            token = address.partition("token=")[2]
            assert b"02_activation_maps.ipynb" in fetch(f"{api}?token={token}")
            process.send_signal(how)
            assert process.wait(20) == 0
        finally:
            process.kill()


def first_address(process):
    for line in process.stdout:
        if address := re.search(r"http://127\.0\.0\.1:\S+token=\w+", line):
            return address[0]
    raise AssertionError("the command ended without an address")


def fetch(address):
    """The answer of a server that may still be starting; loopback never goes through a proxy."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + 20
    while True:
        try:
            with opener.open(address, timeout=10) as reply:
                return reply.read()
        except urllib.error.HTTPError:
            raise
        except urllib.error.URLError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
