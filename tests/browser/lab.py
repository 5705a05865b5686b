"""A real JupyterLab (or Notebook 7) on loopback, with settings of its own.

Knows nothing of pytest, since the benchmarks use it too.
"""

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

import nbformat

SETTINGS = {
    # The news pop-up would lie over the widgets.
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    # Cells out of sight stay in the page, so that a test can look at them.
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}

APPS = {
    "lab": ("jupyterlab", "LabApp", "lab/tree"),
    "notebook": ("notebook", "JupyterNotebookApp", "notebooks"),
}


class Lab:
    """A server of our own in a new folder, with none of the user's settings.

    Parameters
    ----------
    app : {"lab", "notebook"}
        JupyterLab or Notebook 7.

    Attributes
    ----------
    folder : Path
        The notebooks it serves.
    url, token : str
    """

    def __init__(self, app: str = "lab"):
        module, options, self.pages = APPS[app]
        self.home = Path(tempfile.mkdtemp(prefix="cnnwidgets-lab-"))
        self.folder = self.home / "notebooks"
        self.folder.mkdir()
        self.token = secrets.token_hex(16)
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._write_settings()
        command = [
            *(
                sys.executable,
                "-m",
                module,
                "--no-browser",
                "--allow-root",
                "--ip=127.0.0.1",
                f"--port={port}",
            ),
            *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={self.folder}"),
            f"--{options}.expose_app_in_browser=True",
        ]
        with open(self.home / "log", "w") as log:
            self.process = subprocess.Popen(
                command,
                env=private_environment(self.home, self.token),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until_up(f"{self.url}/api/status?token={self.token}", self.process, self.home / "log")
        except BaseException:
            self.close()
            raise

    def _write_settings(self) -> None:
        for plugin, values in SETTINGS.items():
            file = self.home / "settings" / f"{plugin}.jupyterlab-settings"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(values))

    def log(self) -> str:
        return (self.home / "log").read_text()

    def write(self, name: str, cells: Sequence[str] | str | Path) -> str:
        """Put a notebook (code cells, or a file to copy) into the folder; returns its file name."""
        file = self.folder / f"{name}.ipynb"
        if isinstance(cells, (str, Path)):
            shutil.copyfile(cells, file)
        else:
            kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
            code = [nbformat.v4.new_code_cell(cell) for cell in cells]
            nbformat.write(nbformat.v4.new_notebook(cells=code, metadata={"kernelspec": kernel}), file)
        return file.name

    def start_kernel(self, file: str) -> None:
        """Start the kernel of a notebook, beside whatever comes next: the page then finds it running."""
        body = {"path": file, "name": file, "type": "notebook", "kernel": {"name": "python3"}}
        self._beside("POST", "sessions", json.dumps(body).encode())

    def end_kernel(self, kernel: str) -> None:
        """Shut a kernel down, beside whatever comes next; it takes more than a second."""
        self._beside("DELETE", f"kernels/{kernel}")

    def _beside(self, method: str, what: str, body: bytes | None = None) -> None:
        headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/api/{what}", body, headers, method=method)

        def ask() -> None:
            with suppress(OSError):  # then the page starts a kernel itself, or the server ends it
                _opener().open(request, timeout=60).close()

        Thread(target=ask, daemon=True).start()

    def address(self, file: str) -> str:
        return f"{self.url}/{self.pages}/{file}?reset&token={self.token}"

    def close(self) -> None:
        stop(self.process)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy


def wait_until_up(address: str, process: subprocess.Popen, log: Path, timeout: float = 60) -> None:
    """Return when a server answers; RuntimeError with its log if it ends instead or takes too long."""
    opener = _opener()
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            opener.open(address, timeout=1).close()
            return
        time.sleep(0.05)
    raise RuntimeError(f"the Jupyter server did not start:\n{log.read_text()}")


def stop(process: subprocess.Popen) -> None:
    """End a server that was started in a session of its own, and its kernels; kindly first."""
    for how in (
        signal.SIGTERM,
        signal.SIGKILL,
    ):  # a server whose kernel is just starting may not end at the first
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
            return


def private_environment(home: Path, token: str) -> dict[str, str]:
    """Variables under which Jupyter keeps everything in ``home`` and sees none of the user's settings."""
    users = ("JUPYTER", "IPYTHON")
    env = {name: value for name, value in os.environ.items() if not name.startswith(users)}
    own = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    env |= {f"JUPYTER_{name}": str(home / name.lower()) for name in own}
    env |= {f"JUPYTERLAB_{name}_DIR": str(home / name.lower()) for name in ("SETTINGS", "WORKSPACES")}
    return env | {"IPYTHONDIR": str(home / "ipython"), "JUPYTER_TOKEN": token}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
