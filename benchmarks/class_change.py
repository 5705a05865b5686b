"""From a click on a class to all maps of the saliency explorer painted, in a real JupyterLab and Chromium."""

from .browser import lab_and_browser
from .result import Result, median, percentile

CLICKS = 40
WARM_UP = 3
PICTURES = 8
IDLE = 4000
"""Milliseconds in which a student looks at the first class, while the explorer computes others ahead."""
LIST, OTHERS = ".cw-classes-list", "[role=option][aria-selected=false]"
SHOWN = 4
"""Classes beside the chosen one that the list shows without scrolling."""
PANELS = ".cw-attr-panel:not([data-key=''])"

# From now on, watch for the click on a class, and then for the first painted frame in which no map is still
# to come and those that differ with every class do differ. `await window.cwChanged`: milliseconds, or null.
ARM = """(panels, timeout = 20000) => {
  const DIFFER = ["saliency", "SmoothGrad", "integrated gradients"];
  const read = () => new Map([...document.querySelectorAll(panels)].map((panel) => [
    panel.dataset.key.replace(/^\\d+ /, ""),
    { told: panel.querySelector(".cw-attr-canvas").getAttribute("aria-label"),
      open: panel.getAttribute("aria-busy") === "true" || panel.classList.contains("cw-attr-stale") },
  ]));
  const before = read();
  let since = null;
  const note = (event) => (since = event.timeStamp);
  document.addEventListener("pointerdown", note, { once: true, capture: true });
  const watch = async () => {
    const deadline = performance.now() + timeout;
    for (;;) {
      const now = await cwPaint.nextPaint();
      const maps = read();
      const changed = since !== null && DIFFER.every((key) => maps.get(key).told !== before.get(key).told);
      if (changed && ![...maps.values()].some(({ open }) => open)) return now - since;
      if (now > deadline) return null;
    }
  };
  window.cwChanged = watch();
}"""


def run() -> list[Result]:
    with lab_and_browser() as open_notebook:
        page = open_notebook("classes", cells())
        page.run_all()
        page.locator(PANELS).first.wait_for()
        page.wait_for_timeout(IDLE)
        after_a_while = [change(page, number) for number in range(WARM_UP + CLICKS)][WARM_UP:]
        at_once = []
        for number in range(1, 1 + PICTURES):  # nothing is computed ahead of a new picture
            page.kernel(f"setattr(explorer.selection, 'image', pictures[{number}])")
            wait_for_maps(page)
            at_once.append(change(page, number))
        page.close()
    return [
        *_summary("class changed to all maps painted, toynet", after_a_while, aim=150),
        *_summary("class changed at once after a new picture, toynet", at_once),
    ]


def cells() -> list[str]:
    """A notebook that shows the explorer."""
    return [
        "import cnnwidgets as cw\npictures = [each.image for each in cw.samples().values()]",
        "explorer = cw.explorers.SaliencyExplorer('toynet', image=pictures[0])\nexplorer",
    ]


def wait_for_maps(page, seconds: float = 60) -> None:
    """Until all maps of the picture are painted."""
    for _ in range(int(seconds * 20)):
        if not page.page.evaluate(f"() => document.querySelectorAll(`{PANELS}[aria-busy=true]`).length"):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the maps were not complete after {seconds:g} s")


def change(page, number: int) -> float:
    """Milliseconds from the click on another class to its maps."""
    page.page.evaluate(ARM, PANELS)
    page.locator(LIST).first.locator(OTHERS).nth(number % SHOWN).click()
    ms = page.page.evaluate("() => window.cwChanged")
    if ms is None:
        raise AssertionError("the maps did not change with the class")
    return ms


def _summary(what: str, times: list[float], aim: float | None = None) -> list[Result]:
    details = {"clicks": len(times), "max_ms": round(max(times), 1)}
    return [
        Result(f"{what}, median", median(times), "ms", details=details),
        Result(f"{what}, p95", percentile(times, 0.95), "ms", aim=aim),
    ]
