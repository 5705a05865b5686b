"""From the slider moved to new pixels painted, in a real JupyterLab in a real Chromium."""

from .browser import LARGE_MAP, NETWORKS, SLIDER, cells, lab_and_browser
from .result import Result, median, percentile

MOVES = 60
WARM_UP = 3


def run() -> list[Result]:
    results = []
    with lab_and_browser() as open_notebook:
        for number, network in enumerate(NETWORKS):
            page = open_notebook(f"slider{number}", cells(network))
            page.run_all()
            page.locator(LARGE_MAP).wait_for()
            for how, moves in (("arrow key", by_key(page)), ("dragged", by_mouse(page))):
                results += _summary(f"slider to new pixels, {network}, {how}", list(moves))
            page.close()
    return results


def by_key(page):
    """Milliseconds of each move with an arrow key; None where no pixel changed."""
    slider = page.locator(SLIDER)
    for step in range(WARM_UP + MOVES):
        # Ten to the right, ten to the left, so that no layer is too short.
        key = "ArrowRight" if step // 10 % 2 == 0 else "ArrowLeft"
        slider.focus()
        arm(page, "keydown")
        page.keyboard.press(key)
        if (ms := page.evaluate("() => cwPaint.armed")["ms"]) is None or step >= WARM_UP:
            yield ms


def by_mouse(page):
    """Milliseconds of each move with the mouse held down, to and fro over the whole slider."""
    slider = page.locator(SLIDER)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 0.02 * box["width"], middle)
    page.mouse.down()
    page.wait_for_timeout(200)
    for step in range(WARM_UP + MOVES):
        arm(page, "pointermove")
        # a third of the width each time: another channel even where there are few
        page.mouse.move(box["x"] + (0.05 + 0.9 * (step * 0.382 % 1)) * box["width"], middle)
        if (ms := page.evaluate("() => cwPaint.armed")["ms"]) is None or step >= WARM_UP:
            yield ms
    page.mouse.up()


def arm(page, event: str) -> None:
    page.locator(LARGE_MAP).evaluate("(canvas, event) => cwPaint.arm(canvas, event, 2000)", event)


def _summary(what: str, moves: list) -> list[Result]:
    # Two channels may look the same, say when both are silent: then nothing is to be painted.
    seen = [ms for ms in moves if ms is not None]
    if len(seen) < 0.8 * MOVES:
        raise AssertionError(f"{what}: only {len(seen)} of {len(moves)} moves changed a pixel")
    details = {"moves": len(moves), "unchanged": len(moves) - len(seen), "max_ms": round(max(seen), 1)}
    return [
        Result(f"{what}, median", median(seen), "ms", aim=50, details=details),
        Result(f"{what}, p95", percentile(seen, 0.95), "ms", aim=100),
    ]
