"""From the square moved under the mouse to new bars painted, in a real JupyterLab in a real Chromium."""

from .browser import NETWORKS, lab_and_browser
from .result import Result, median, percentile

MOVES = 60
WARM_UP = 3
SQUARE = "canvas.cw-occluded-canvas"
BARS = ".cw-classes-list"

# Where the hand goes, as shares of the picture: well inside it, and never twice the same place.
PLACES = [(0.2 + 0.6 * (step * 0.382 % 1), 0.2 + 0.6 * (step * 0.236 % 1)) for step in range(WARM_UP + MOVES)]

# From now on, watch for the first pointermove on the square and then for the first painted frame in which the
# bars say something else. The answer is in `await window.cwDragged`: milliseconds, null if nothing changed.
ARM = """([square, bars], timeout = 2000) => {
  const list = document.querySelector(bars);
  const read = () => [...list.querySelectorAll("[role=option]")].map((row) => {
    const bar = row.querySelector(".cw-classes-bar > span");
    return [row.dataset.index, bar.style.width].join(" ");
  }).join();
  const before = read();
  let since = null;
  const note = (event) => (since = event.timeStamp);
  document.querySelector(square).addEventListener("pointermove", note, { once: true });
  const watch = async () => {
    const deadline = performance.now() + timeout;
    for (;;) {
      const now = await cwPaint.nextPaint();
      const changed = since !== null && read() !== before;
      if (changed) return now - since;
      if (now > deadline) return null;
    }
  };
  window.cwDragged = watch();
}"""


def run() -> list[Result]:
    results = []
    with lab_and_browser() as open_notebook:
        for number, network in enumerate(NETWORKS):
            page = open_notebook(f"drag{number}", cells(network))
            page.run_all()
            wait_for_maps(page)
            results += _summary(f"dragged square to new bars, {network}", list(by_mouse(page)))
            page.close()
    return results


def cells(network: str) -> list[str]:
    """A notebook that shows an explorer of one of ``NETWORKS``."""
    return [
        "import cnnwidgets as cw",
        f"explorer = cw.explorers.OcclusionExplorer({NETWORKS[network]})\nexplorer",
    ]


def wait_for_maps(page, seconds: float = 300) -> None:
    """Until the first maps are complete: what is measured is the drag, not two things at once."""
    page.locator(SQUARE).wait_for()
    for _ in range(int(seconds * 10)):
        if page.kernel("bool(not explorer.control.running and explorer.probability.known.all())"):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the maps were not complete after {seconds:g} s")


def by_mouse(page):
    """Milliseconds of each move with the mouse held down; None where no bar changed."""
    square = page.locator(SQUARE)
    square.scroll_into_view_if_needed()
    box = square.bounding_box()

    def move(place):
        page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])

    move((0.5, 0.5))
    page.mouse.down()
    page.wait_for_timeout(300)
    for step, place in enumerate(PLACES):
        page.evaluate(ARM, [SQUARE, BARS])
        move(place)
        if (ms := page.evaluate("() => window.cwDragged")) is None or step >= WARM_UP:
            yield ms
    page.mouse.up()


def _summary(what: str, moves: list) -> list[Result]:
    # A square over an empty place may leave all bars as they are.
    seen = [ms for ms in moves if ms is not None]
    if len(seen) < 0.8 * MOVES:
        raise AssertionError(f"{what}: only {len(seen)} of {len(moves)} moves changed a bar")
    details = {"moves": len(moves), "unchanged": len(moves) - len(seen), "max_ms": round(max(seen), 1)}
    return [
        Result(f"{what}, median", median(seen), "ms", details=details),
        Result(f"{what}, p95", percentile(seen, 0.95), "ms", aim=100),
    ]
