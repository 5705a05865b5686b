"""``cnnwidgets lab`` opens the tutorials in JupyterLab; ``cnnwidgets networks`` lists what can be loaded."""

import argparse
import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from . import __version__
from .handout import hand_out, notebooks_in, tutorials_in_place

HOST = "127.0.0.1"
DEFAULT_FOLDER = "cnnwidgets-tutorials"
FIRST_NOTEBOOK = "01_first_layer_filters.ipynb"
JUPYTER_SETTINGS = Path(__file__).parent / "jupyter"


class Refused(Exception):
    """Cannot be done; the message says why and what mends it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    chosen = _parser().parse_args(arguments)
    try:
        return chosen.run(chosen)
    except Refused as refusal:
        print(f"cnnwidgets: {refusal}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="cnnwidgets", description="Look inside convolutional networks.")
    parser.add_argument("--version", action="version", version=f"cnnwidgets {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")

    lab = commands.add_parser("lab", help="open the tutorials in JupyterLab", description=lab_command.__doc__)
    lab.add_argument("--port", type=_port, help="port to listen on (default: 8888, or the next free one)")
    lab.add_argument("--no-browser", action="store_true", help="print the address instead of opening it")
    lab.add_argument(
        "--folder",
        type=Path,
        help=f"where to copy the tutorials (default: a source checkout's own, else ./{DEFAULT_FOLDER})",
    )
    lab.set_defaults(run=lab_command)

    networks = commands.add_parser("networks", help="list the networks that cw.load() knows")
    networks.set_defaults(run=networks_command)
    return parser


def lab_command(chosen: argparse.Namespace) -> int:
    """Open the tutorials in JupyterLab, reachable from this machine only and with a token. Ctrl+C ends it."""
    if importlib.util.find_spec("jupyterlab") is None:
        raise Refused('JupyterLab is not installed: pip install "cnnwidgets[lab]"')
    if chosen.port and not _is_free(chosen.port):
        raise Refused(f"port {chosen.port} is taken: choose another with --port, or leave --port out")
    folder = tutorials_folder(chosen.folder)
    command = jupyterlab_command(folder, port=chosen.port, browser=not chosen.no_browser)
    if "--allow-root" in command:
        print("You are root: Jupyter is started with --allow-root.")
    print(f"Tutorials: {folder}\nCtrl+C ends JupyterLab.", flush=True)
    return _become(command, quiet_environment())


def networks_command(_: argparse.Namespace) -> int:
    """One name a line."""
    from .networks import available

    print("\n".join(available()))
    return 0


def tutorials_folder(chosen: Path | None) -> Path:
    """The folder to open: a writable checkout's own notebooks, else a copy; says what it did to a copy."""
    in_place = tutorials_in_place()
    if in_place and (chosen is None or chosen.resolve() == in_place.resolve()):
        return in_place.resolve()
    folder = (chosen or Path(DEFAULT_FOLDER)).resolve()
    try:
        done = hand_out(folder)
    except OSError as error:
        raise Refused(
            f"the tutorials could not be put into {folder} ({error}): choose another --folder"
        ) from error
    for name, beside in done.kept.items():
        print(f"{name} has your changes and was kept; the new version is {beside}")
    return folder


def jupyterlab_command(folder: Path, port: int | None = None, browser: bool = True) -> list[str]:
    """The command that serves ``folder``; the token is Jupyter's own, never disabled."""
    names = [path.relative_to(folder).as_posix() for path in notebooks_in(folder)]
    first = FIRST_NOTEBOOK if FIRST_NOTEBOOK in names else next(iter(names), "")
    command = [
        *(sys.executable, "-m", "jupyterlab", f"--ServerApp.ip={HOST}", f"--ServerApp.root_dir={folder}"),
        f"--LabApp.default_url=/lab/tree/{quote(first)}",
        # One Ctrl+C is enough.
        "--JupyterApp.answer_yes=True",
    ]
    if port:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        command += ["--no-browser"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command += ["--allow-root"]
    return command


def quiet_environment() -> dict[str, str]:
    """Variables under which JupyterLab shows no news pop-up over the widgets and does not look for updates.

    Disabling its announcements is a setting, not an option: it comes in addition to the user's own settings.
    """
    paths = [str(JUPYTER_SETTINGS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    return os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def _become(command: list[str], environment: dict[str, str]) -> int:
    """Run a command in the place of this process, so that Ctrl+C and signals reach it alone."""
    if os.name == "posix":
        os.execve(command[0], command, environment)
    with subprocess.Popen(command, env=environment) as process:  # Windows has no exec
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                continue  # the child got it too and is shutting down


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else 0
    if not 0 < port < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: choose a number from 1 to 65535")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        if os.name == "posix":  # elsewhere it would bind a port that is taken
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise Refused(f"port {port} is reserved for root: choose one above 1023") from error
        except OSError:
            return False
    return True
