"""A map of 2,000, 10,000 and 100,000 pictures in a real JupyterLab: first paint, hover, pan and zoom.

Beside it jupyter-scatter, if it is installed, driven by the same hand: its tooltip shows a thumbnail as a
data: URL that the kernel sends when asked. At 100,000 points neither has thumbnails.
"""

from collections.abc import Iterator
from importlib.util import find_spec

from .browser import lab_and_browser
from .result import Result, median, percentile

THUMBNAILS = {2_000: 48, 10_000: 32, 100_000: 0}  # points: side of their pictures
RUNS = 3
MOVES = 60
PEER_MOVES = 20  # its tooltip waits for half a second
STEPS = 150  # of a drag, and of the wheel
FRAME = 16.7
TIMEOUT = 3000  # milliseconds to wait for an answer to a move

DATA = """
import numpy as np
n, side = {n}, {side}
random = np.random.default_rng(0)
points = random.uniform(-1, 1, (n, 2)).astype(np.float32)
labels = random.integers(0, 10, n)
names = [f"class {{i}}" for i in range(10)]
squares = random.integers(0, 256, (n, side // 8, side // 8, 3), dtype=np.uint8)
tiles = squares.repeat(8, 1).repeat(8, 2) if side else None
"""

OURS = """
from cnnwidgets.widgets import EmbeddingScatter
scatter = EmbeddingScatter(points, labels, names, tiles, width=560, height=440)
scatter
"""

PEER = """
import base64, io
import jscatter, pandas
from PIL import Image

def url(tile):
    buffer = io.BytesIO()
    Image.fromarray(tile).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

kinds = pandas.Categorical.from_codes(labels, names)
table = pandas.DataFrame(dict(x=points[:, 0], y=points[:, 1], kind=kinds))
shown = dict(enable=True, properties=["x", "color"])
if tiles is not None:
    table["picture"] = [url(tile) for tile in tiles]
    shown |= dict(preview="picture", preview_type="image")
scatter = jscatter.Scatter(data=table, x="x", y="y", color_by="kind", width=560, height=440)
scatter.tooltip(**shown)
scatter.show()
"""

# How each is looked at: the canvas with the points, the one with the mark of the hovered point, what the
# tooltip says, and where to point so that a point is meant (jupyter-scatter wants it exactly).
LOOK = {
    "EmbeddingScatter": """window.cwLook = {
      points: () => document.querySelector(".cw-scatter-points"),
      mark: () => document.querySelector(".cw-scatter-canvas"),
      aim: (x, y) => [x, y],
      ready: (pictures) => !pictures || !document.querySelector(".cw-scatter-tools .cw-check").hidden,
      told() {
        const tip = document.querySelector(".cw-scatter-tip");
        return tip.hidden ? "" : tip.textContent;
      },
    }""",
    "jupyter-scatter": """window.cwLook = {
      box: () => [...document.querySelectorAll(".jp-OutputArea div")].find((each) => each.api),
      points: () => cwLook.box()?.querySelector("canvas"),
      mark: () => cwLook.box().querySelector("canvas"),
      aim(x, y) {
        const box = cwLook.mark().getBoundingClientRect();
        let [best, least] = [null, Infinity];
        for (let i = 0; i < NUMBER; i++) {
          const [across, down] = cwLook.box().api.getScreenPosition(i);
          const far = Math.hypot(box.x + across - x, box.y + down - y);
          if (far < least) [best, least] = [[box.x + across, box.y + down], far];
        }
        return best;
      },
      ready: () => true,
      told() {
        const tip = [...cwLook.box().children].find((each) => each.style.transition);
        if (tip?.style.opacity !== "1") return "";
        const pictures = [...tip.querySelectorAll("div")].map((each) => each.style.backgroundImage);
        return pictures.join("") || tip.textContent;
      },
    }""",
}

FIRST = """async (pictures) => {
  await jupyterapp.commands.execute("notebook:clear-all-cell-outputs");
  while (cwLook.points()) await cwPaint.nextPaint();
  const notebook = jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = 1;
  const start = performance.now();
  const run = jupyterapp.commands.execute("notebook:run-cell");
  let points = null;
  for (;;) {
    const painted = await cwPaint.nextPaint();
    const canvas = cwLook.points();
    if (painted - start > 120000) throw new Error("nothing after two minutes");
    if (!canvas || cwPaint.colours(canvas) < 2) continue;
    points ??= painted - start;
    if (!cwLook.ready(pictures)) continue;
    await run;
    return { points, all: painted - start };
  }
}"""

# From now on, watch for the next move of the pointer, then for the first painted frames in which the mark and
# the tooltip have changed. Milliseconds to these, null where they did not in time: `mark` and `told` since
# the hand moved, `work` to the tooltip since the page heard of it. Between the two lies the wait for the next
# frame of the screen, up to 17 ms, which no widget can shorten.
ARM = """(timeout) => {
  const before = [cwPaint.fingerprint(cwLook.mark()), cwLook.told()];
  let since = null;
  let heard = null;
  const note = (event) => ([since, heard] = [event.timeStamp, performance.now()]);
  window.addEventListener("pointermove", note, { once: true, capture: true });
  const watch = async () => {
    const found = { mark: null, told: null, work: null };
    const deadline = performance.now() + timeout;
    for (;;) {
      const now = await cwPaint.nextPaint();
      if (since !== null) {
        const told = cwLook.told();
        if (found.mark === null && cwPaint.fingerprint(cwLook.mark()) !== before[0]) found.mark = now - since;
        if (found.told === null && told && told !== before[1]) {
          [found.told, found.work] = [now - since, now - heard];
        }
      }
      if ((found.mark !== null && found.told !== null) || now > deadline) return found;
    }
  };
  window.cwHovered = watch();
}"""

RECORD = """() => {
  window.cwTimes = [];
  const note = (time) => {
    cwTimes?.push(time);
    if (window.cwTimes) requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
}"""

TAKE = """() => {
  const times = cwTimes;
  window.cwTimes = null;
  return times.slice(1).map((time, i) => time - times[i]);
}"""


def run() -> Iterator[Result]:
    peers = {"EmbeddingScatter": OURS}
    if find_spec("jscatter"):
        peers["jupyter-scatter"] = PEER
    missing = {} if len(peers) > 1 else {"jupyter-scatter": "not installed, so not measured"}
    with lab_and_browser() as open_notebook:
        for n, side in THUMBNAILS.items():
            for number, (name, code) in enumerate(peers.items()):
                page = open_notebook(f"scatter{n}_{number}", [DATA.format(n=n, side=side), code])
                page.evaluate(f"() => {{ {LOOK[name].replace('NUMBER', str(n))} }}")
                for result in measured(page, name, n, side):
                    result.details.update(missing)
                    missing = {}
                    yield result
                page.close()


def measured(page, name: str, n: int, side: int) -> list[Result]:
    """First paint, hover, pan and zoom of one kind of map."""
    ours = name == "EmbeddingScatter"
    page.run_cell(0)
    firsts = [page.evaluate(FIRST, bool(side)) for _ in range(RUNS)]
    what = f"{name}, {n:,} points"
    results = [
        Result(
            f"{what}: run to first paint",
            median([one["points"] for one in firsts]) / 1000,
            "s",
            details={
                "runs": RUNS,
                "with_pictures_s": round(median([one["all"] for one in firsts]) / 1000, 2),
            },
        )
    ]
    page.wait_for_timeout(500)
    moves = list(hovers(page, MOVES if ours else PEER_MOVES))
    tooltip = "picture" if side else "tooltip"
    for part, told, aim in (
        ("mark", "hand to mark", None),
        ("told", f"hand to {tooltip}", None),
        ("work", f"event to {tooltip}", FRAME if ours and n <= 10_000 else None),
    ):
        seen = [move[part] for move in moves if move[part] is not None]
        if len(seen) < 0.8 * len(moves):
            late = f"{told} was seen at {len(seen)} of {len(moves)} moves only, within {TIMEOUT} ms each"
            if ours:
                raise AssertionError(f"{what}: {late}")
            results[0].details[told] = late
            continue
        details = {"moves": len(moves), "median_ms": round(median(seen), 1), "max_ms": round(max(seen), 1)}
        results.append(Result(f"{what}: {told}, p95", percentile(seen, 0.95), "ms", aim, details=details))
    for how, frames in (("pan", pans(page)), ("zoom", zooms(page))):
        details = {
            "frames": len(frames),
            "p95_ms": round(percentile(frames, 0.95), 1),
            "max_ms": round(max(frames), 1),
        }
        results.append(Result(f"{what}: {how}, a frame", median(frames), "ms", details=details))
    return results


def places(page) -> tuple[float, float, float, float]:
    """The middle of the map, and half of its width and height."""
    canvas = page.evaluate_handle("() => cwLook.mark()").as_element()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["width"] / 2, box["height"] / 2


def hovers(page, n_moves: int):
    """What each move of the pointer to another point gave, see `ARM`."""
    x, y, _, half = places(page)
    for step in range(3 + n_moves):
        across, down = (2 * (step * share % 1) - 1 for share in (0.382, 0.236))
        place = page.evaluate(
            "place => cwLook.aim(...place)", [x + 0.7 * half * across, y + 0.7 * half * down]
        )
        page.evaluate(ARM, TIMEOUT)
        page.mouse.move(*place)
        found = page.evaluate("() => cwHovered")
        if step >= 3:
            yield found


def pans(page) -> list[float]:
    """Milliseconds between the frames of the page while the map is dragged to and fro."""
    x, y, _, half = places(page)
    page.mouse.move(x, y)
    page.mouse.down()
    before = page.evaluate("() => cwPaint.fingerprint(cwLook.points())")
    page.evaluate(RECORD)
    for step in range(STEPS):
        page.mouse.move(x + 0.5 * half * ((step * 0.021) % 1), y + 0.3 * half * ((step * 0.013) % 1))
    frames = page.evaluate(TAKE)
    if page.evaluate("() => cwPaint.fingerprint(cwLook.points())") == before:
        raise AssertionError("the map was dragged and did not move")
    page.mouse.up()
    return frames


def zooms(page) -> list[float]:
    """Milliseconds between the frames of the page while the wheel turns: far in, and back."""
    x, y, *_ = places(page)
    page.mouse.move(x, y)
    before = page.evaluate("() => cwPaint.fingerprint(cwLook.points())")
    page.evaluate(RECORD)
    for step in range(STEPS):
        page.mouse.wheel(0, -20 if step < STEPS / 2 else 15)
    frames = page.evaluate(TAKE)
    if page.evaluate("() => cwPaint.fingerprint(cwLook.points())") == before:
        raise AssertionError("the wheel turned and nothing was enlarged")
    return frames
