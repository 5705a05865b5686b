"""From kernel (re)start to the first widget painted: what a student waits for after "run all"."""

from .browser import LARGE_MAP, NETWORKS, cells, lab_and_browser
from .result import Result, median

RUNS = 5

# A new kernel, all cells run, and then the first frame in which the canvas is there and not of one colour.
START = """async (selector) => {
  const session = jupyterapp.shell.currentWidget.sessionContext;
  await jupyterapp.commands.execute("notebook:clear-all-cell-outputs");
  const start = performance.now();
  await session.restartKernel();
  if (document.querySelector(selector)) throw new Error("the last run's widget is still there");
  const ready = performance.now();
  const run = jupyterapp.commands.execute("notebook:run-all-cells");
  for (;;) {
    const painted = await cwPaint.nextPaint();
    const canvas = document.querySelector(selector);
    if (canvas && cwPaint.colours(canvas) > 1) {
      await run;
      return { kernel: ready - start, total: painted - start };
    }
    if (painted - start > 120000) throw new Error("no widget after two minutes");
  }
}"""


def run() -> list[Result]:
    results = []
    with lab_and_browser() as open_notebook:
        for number, network in enumerate(NETWORKS):
            page = open_notebook(f"first{number}", cells(network))
            runs = [page.evaluate(START, LARGE_MAP) for _ in range(RUNS)]
            page.close()
            seconds = [one["total"] / 1000 for one in runs]
            details = {
                "runs": RUNS,
                "kernel_start_s": round(median([one["kernel"] for one in runs]) / 1000, 2),
                "slowest_s": round(max(seconds), 2),
            }
            what = f"kernel start to first widget, {network}"
            results.append(Result(what, median(seconds), "s", details=details))
    return results
