"""A real JupyterLab (or Notebook 7) on loopback, and a notebook that is open in it.

Knows nothing of pytest, since the benchmarks use it too.
"""

import ast
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

import nbformat

# Errors of Jupyter itself: (what it says, the script that says it). Anything else is an error of ours.
HARMLESS = (
    ("Cannot read properties of undefined (reading 'schema')", "/static/notebook/notebook_core."),
)  # 7.6

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

    def address(self, file: str) -> str:
        return f"{self.url}/{self.pages}/{file}?reset&token={self.token}"

    def close(self) -> None:
        stop(self.process)
        shutil.rmtree(self.home, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wait_until_up(address: str, process: subprocess.Popen, log: Path, timeout: float = 60) -> None:
    """Return when a server answers; RuntimeError with its log if it ends instead or takes too long."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback needs no proxy
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


class NotebookPage:
    """A notebook open in the browser. What is not defined here is the Playwright page's: ``page.locator()``.

    Attributes
    ----------
    page : playwright.sync_api.Page
    errors : list of str
        Errors on the browser's console and exceptions nobody caught, without those in ``HARMLESS``.
    """

    def __init__(self, context, lab: Lab, file: str):
        self.errors: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self._note(f"{error}\n{error.stack}"))
        self.page.goto(lab.address(file))
        self.page.wait_for_function(
            "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"
        )
        self.page.evaluate(_LISTEN_TO_KERNEL)

    def _note_console(self, message) -> None:
        if message.type == "error":
            self._note(f"{message.text}\n    at {message.location.get('url')}")

    def _note(self, error: str) -> None:
        if not any(text in error and script in error for text, script in HARMLESS):
            self.errors.append(error)

    def __getattr__(self, name: str):
        return getattr(self.page, name)

    def run_all(self) -> None:
        """Run every cell; AssertionError with the traceback if one failed."""
        self.page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self._check_outputs()

    def run_cell(self, index: int) -> None:
        """Run cell ``index`` (again); AssertionError with the traceback if it failed."""
        self.page.evaluate(_RUN_CELL, index)
        self._check_outputs()

    def _check_outputs(self) -> None:
        failed = self.page.evaluate(_ERROR_OUTPUTS)
        assert not failed, "\n".join(failed)

    def cell(self, index: int):
        """Locator of a cell, outputs included."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    @property
    def n_cells(self) -> int:
        return self.page.evaluate("() => jupyterapp.shell.currentWidget.content.model.cells.length")

    @property
    def kernel_errors(self) -> list[str]:
        """Exceptions and stderr from the kernel since the page opened, those in widget callbacks included."""
        return self.page.evaluate("() => window.cwKernelErrors")

    def kernel(self, expression: str):
        """Value of a Python expression in the notebook's kernel (anything JSON can carry)."""
        reply = self.page.evaluate(_EVALUATE, f"__import__('json').dumps({expression})")
        assert reply["status"] == "ok", f"{expression}: {reply.get('ename')}: {reply.get('evalue')}"
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def fingerprint(self, selector: str) -> int:
        """One number for all pixels of a canvas."""
        return self.page.locator(selector).evaluate("canvas => cwPaint.fingerprint(canvas)")

    def wait_for_new_pixels(self, selector: str, old: int, timeout: float = 10) -> int:
        """Wait up to ``timeout`` seconds until a canvas has another fingerprint than ``old``; returns it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if (new := self.fingerprint(selector)) != old:
                return new
            self.page.wait_for_timeout(20)
        raise AssertionError(f"the pixels of {selector} did not change within {timeout} s")

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        with suppress(Exception):  # the page may be gone already
            self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        self.page.close()


_LISTEN_TO_KERNEL = """() => {
  window.cwKernelErrors = [];
  jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, { header, content }) => {
    if (header.msg_type === "error") cwKernelErrors.push(`${content.ename}: ${content.evalue}`);
    if (header.msg_type === "stream" && content.name === "stderr") cwKernelErrors.push(content.text);
  });
}"""

_RUN_CELL = """async (index) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await jupyterapp.commands.execute("notebook:run-cell");
}"""

_ERROR_OUTPUTS = """() => [...jupyterapp.shell.currentWidget.content.model.cells]
  .flatMap((cell) => cell.toJSON().outputs ?? [])
  .filter((output) => output.output_type === "error")
  .map(({ ename, evalue, traceback }) => [`${ename}: ${evalue}`, ...traceback].join("\\n"))
"""

_EVALUATE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const request = { code: "", silent: true, store_history: false, user_expressions: { value: code } };
  const reply = await kernel.requestExecute(request).done;
  return reply.content.user_expressions.value;
}"""
