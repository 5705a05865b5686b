"""A notebook that is open in the browser: run its cells, ask its kernel, look at its pixels."""

import ast
import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from lab import Lab

# Errors of Jupyter itself: (what it says, the script that says it). Anything else is an error of ours.
HARMLESS = (
    ("Cannot read properties of undefined (reading 'schema')", "/static/notebook/notebook_core."),
)  # 7.6


CONTROL = "No such comm target registered: jupyter.widget.control"


class NotebookPage:
    """A notebook open in the browser. What is not defined here is the Playwright page's: ``page.locator()``.

    Attributes
    ----------
    page : playwright.sync_api.Page
    lab : Lab
    errors : list of str
        Errors on the browser's console and exceptions nobody caught, without those in ``HARMLESS``.
    """

    def __init__(self, context, lab: Lab, file: str):
        self.errors: list[str] = []
        self.lab = lab
        lab.start_kernel(file)
        self.page = context.new_page()
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self._note(f"{error}\n{error.stack}"))
        self.page.goto(lab.address(file), timeout=120_000)
        self.page.wait_for_function(
            """() => window.jupyterapp?.shell.currentWidget
              ?.sessionContext?.session?.kernel?.status === 'idle'""",
            timeout=120_000,
        )
        self.page.evaluate(_LISTEN_TO_KERNEL)
        self._size = self.page.viewport_size

    def renew(self, cells: Sequence[str]) -> None:
        """Begin anew with other cells, in the same page and kernel, which costs seconds less than new ones.

        The kernel forgets its variables and widgets, and imports this package again when it is next asked
        for it: what a test has put in place of a function of ours is gone.
        """
        self.page.bring_to_front()
        self.page.set_viewport_size(self._size)
        self.page.mouse.move(0, 0)
        reply = self.page.evaluate(_EXECUTE, _FORGET)
        assert reply["status"] == "ok", reply
        self.page.evaluate(_REPLACE_CELLS, list(cells))
        self.errors.clear()

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
        opened, errors = self.page.evaluate("() => [window.cwComms, window.cwKernelErrors]")
        # The page asks for widgets before the kernel has imported ipywidgets: noise of a comm of its own.
        unknown = [re.fullmatch(r"No such comm: (\S+)\s*", error) for error in errors]
        rows = zip(errors, unknown, strict=True)
        return [
            error for error, found in rows if CONTROL not in error and not (found and found[1] not in opened)
        ]

    def kernel(self, expression: str):
        """Value of a Python expression in the notebook's kernel (anything JSON can carry)."""
        reply = self.page.evaluate(_EVALUATE, f"__import__('json').dumps({expression})")
        assert reply["status"] == "ok", f"{expression}: {reply.get('ename')}: {reply.get('evalue')}"
        return json.loads(ast.literal_eval(reply["data"]["text/plain"]))

    def fingerprint(self, selector: str) -> int:
        """One number for all pixels of a canvas."""
        return self.page.locator(selector).evaluate("canvas => cwPaint.fingerprint(canvas)")

    def wait_for_new_pixels(self, selector: str, old: int, timeout: float = 30) -> int:
        """Wait up to ``timeout`` seconds until a canvas has another fingerprint than ``old``; returns it."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if (new := self.fingerprint(selector)) != old:
                return new
            self.page.wait_for_timeout(20)
        raise AssertionError(f"the pixels of {selector} did not change within {timeout} s")

    def settled(self, selector: str) -> int:
        """The fingerprint of a canvas once it stays the same for 20 frames; AssertionError if it does not."""
        found = self.page.locator(selector).evaluate("canvas => cwPaint.settled(canvas)")
        assert found is not None, f"{selector} does not come to rest"
        return found

    def watch_text(self, selector: str) -> Callable[[], list[str]]:
        """A function that gives all the texts an element has had from now on: some do not stay for long."""
        locator = self.page.locator(selector).first
        locator.evaluate(_WATCH_TEXT)
        return lambda: locator.evaluate("el => el.cwTexts")

    def hear_comms(self) -> Callable[[], list[str]]:
        """A function that gives the types of all messages to or from widgets from now on.

        Now is when there has been none for a second: what came before may still have been under way.
        """
        self.page.evaluate(_HEAR_COMMS)
        self.page.wait_for_function("() => performance.now() - cwHeard.last > 1000")
        return lambda: self.page.evaluate("() => cwHeard.comms")

    def close(self) -> None:
        """Shut the kernel down and close the page."""
        with suppress(Exception):  # the page may be gone already
            self.lab.end_kernel(
                self.page.evaluate("() => jupyterapp.shell.currentWidget.sessionContext.session.kernel.id")
            )
        self.page.close()


def kernel_becomes(page: NotebookPage, expression: str, value: object = True, seconds: int = 30) -> None:
    """Wait until a Python expression in the kernel has a value; AssertionError if it does not."""
    becomes(page, lambda: page.kernel(expression), value, seconds, told=expression)


def becomes(
    page: NotebookPage, ask: Callable, value: object = True, seconds: int = 30, told: str = "the answer"
) -> None:
    """Wait until ``ask()`` gives a value, maybe a ``pytest.approx``; AssertionError if it does not.

    For what the kernel or the page hears of, computes or paints a little after what a test has done.
    """
    for _ in range(seconds * 20):
        if (found := ask()) == value:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{told} is {found!r} after {seconds} s, not {value!r}")


def at_rest(page: NotebookPage, ask: Callable, pause: int = 700, seconds: int = 30) -> object:
    """What ``ask()`` gives once it gives the same ``pause`` ms later; AssertionError if it does not."""
    before = ask()
    for _ in range(max(1, 1000 * seconds // pause)):
        page.wait_for_timeout(pause)
        now = ask()
        if now == before:
            return now
        before = now
    raise AssertionError(f"{before!r} is still changing after {seconds} s")


def collected(expression: str) -> str:
    """An expression for the kernel, which first collects its garbage: for counts of what is left."""
    return f"(__import__('gc').collect(), {expression})[1]"


def no_errors(page: NotebookPage) -> None:
    """AssertionError if a widget shows an error, or kernel or page have told of one."""
    assert page.locator(".cw-error:not([hidden])").all_inner_texts() == []
    told = [page.kernel_errors, page.errors]
    assert told == [[], []], f"kernel and page have told of {told}"


_LISTEN_TO_KERNEL = """() => {
  window.cwKernelErrors = [];
  window.cwComms = []; // those that the kernel has opened
  jupyterapp.shell.currentWidget.sessionContext.iopubMessage.connect((_, { header, content }) => {
    if (header.msg_type === "comm_open") cwComms.push(content.comm_id);
    if (header.msg_type === "error") cwKernelErrors.push(`${content.ename}: ${content.evalue}`);
    if (header.msg_type === "stream" && content.name === "stderr") cwKernelErrors.push(content.text);
  });
}"""

_WATCH_TEXT = """(el) => {
  el.cwTexts = [el.textContent];
  const watch = new MutationObserver(() => el.cwTexts.push(el.textContent));
  watch.observe(el, { childList: true, characterData: true, subtree: true });
}"""

_HEAR_COMMS = """() => {
  const { kernel } = jupyterapp.shell.currentWidget.sessionContext.session;
  const heard = (window.cwHeard = { comms: [], last: performance.now() });
  kernel.anyMessage.connect((_, { msg }) => {
    if (!msg.header.msg_type.startsWith("comm")) return;
    const now = performance.now();
    if (now - heard.last > 1000) heard.quiet = true;
    heard.last = now;
    if (heard.quiet) heard.comms.push(msg.header.msg_type);
  });
}"""

# Closing a widget closes its model in the page as well.
_FORGET = """
import sys, ipywidgets
ipywidgets.Widget.close_all()
if "matplotlib.pyplot" in sys.modules:
    sys.modules["matplotlib.pyplot"].close("all")
for name in [name for name in sys.modules if name.partition(".")[0] == "cnnwidgets"]:
    del sys.modules[name]
get_ipython().reset(new_session=True)
__import__("gc").collect()
"""

_EXECUTE = """async (code) => {
  const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  const { content } = await kernel.requestExecute({ code, silent: true, store_history: false }).done;
  return content;
}"""

_REPLACE_CELLS = """(cells) => {
  const notebook = jupyterapp.shell.currentWidget.content;
  const { nbformat, nbformat_minor, metadata } = notebook.model.toJSON();
  const code = (source) => ({ cell_type: "code", source, metadata: {}, outputs: [], execution_count: null });
  notebook.model.fromJSON({ nbformat, nbformat_minor, metadata, cells: cells.map(code) });
  notebook.activeCellIndex = 0;
  notebook.outerNode.scrollTop = 0;
  window.cwKernelErrors.length = window.cwComms.length = 0;
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
