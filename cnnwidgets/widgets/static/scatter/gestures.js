// Pointer, wheel, fingers and keys on the map.

import { placeOf } from "../shared/canvas.js";
import { onKeys } from "../shared/dom.js";
import { inside, step } from "./find.js";

const CLICK = 4; // pixels that a hand may move between press and release
const STEP = 3; // pixels from one corner of a lasso to the next

export function onMap(view, canvas, scene, tell) {
  const { model } = view;
  const { camera } = scene;
  const fingers = new Map(); // the last place of each pointer that is down
  let start = null;
  let moved = 0;
  let how = "pan";
  let more = false; // whether what is selected stays so

  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;

  view.listen(canvas, "pointerdown", (event) => {
    if (event.button) return;
    canvas.focus({ preventScroll: true });
    start = placeOf(event, canvas);
    fingers.set(event.pointerId, start);
    canvas.setPointerCapture(event.pointerId);
    more = event.shiftKey || event.ctrlKey || event.metaKey;
    how = model.get("tool");
    moved = 0;
    if (fingers.size > 1) {
      [how, moved] = ["pan", Infinity]; // also once one of them is lifted
      drop();
    } else if (event.shiftKey && how === "pan") how = "lasso";
  });

  view.listen(canvas, "pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    const now = placeOf(event, canvas);
    if (!before) return tell.hover(now);
    moved = Math.max(moved, apart(start, now));
    if (moved <= CLICK) return;
    fingers.set(event.pointerId, now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (fingers.size === 2) {
      const [[, other]] = [...fingers].filter(([id]) => id !== event.pointerId);
      camera.pan(dx / 2, dy / 2);
      return camera.zoomBy(apart(now, other) / apart(before, other), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
    }
    tell.leave();
    if (how === "pan") camera.pan(dx, dy);
    else draw(now);
  });

  function draw(now) {
    if (how === "box") scene.line = [start, [now[0], start[1]], now, [start[0], now[1]]];
    else {
      scene.line ??= [start];
      if (apart(scene.line[scene.line.length - 1], now) >= STEP) scene.line.push(now);
    }
    tell.drawn();
  }

  function drop() {
    scene.line = null;
    tell.drawn();
  }

  view.listen(canvas, "pointerup", (event) => {
    if (!fingers.delete(event.pointerId)) return;
    const line = scene.line;
    if (line) {
      drop();
      tell.select(line.length > 2 ? inside(scene, line) : [], more);
    } else if (moved <= CLICK) tell.click(placeOf(event, canvas), more);
  });
  view.listen(canvas, "pointercancel", (event) => {
    fingers.delete(event.pointerId);
    drop();
  });
  view.listen(canvas, "pointerleave", () => fingers.size || tell.leave());
  view.listen(canvas, "dblclick", (event) => scene.find(...placeOf(event, canvas)) < 0 && model.get("tool") === "pan" && tell.whole());

  // A notebook is scrolled over: the wheel zooms only where the map was clicked before, or with Ctrl (as a pinch on a
  // touchpad comes).
  view.listen(
    canvas,
    "wheel",
    (event) => {
      if (!event.ctrlKey && !canvas.matches(":focus")) return tell.hint();
      event.preventDefault();
      event.stopPropagation();
      const speed = event.deltaMode ? 0.05 : event.ctrlKey ? 0.01 : 0.002;
      camera.zoomBy(Math.exp(-event.deltaY * speed), ...placeOf(event, canvas));
    },
    { passive: false },
  );

  // -- keys --

  const arrow = (dx, dy) => (event) => {
    if (event.shiftKey) return camera.pan(-60 * dx, -60 * dy);
    const from = scene.hovered();
    const [width, height] = camera.size();
    const to = from < 0 ? scene.find(width / 2, height / 2, Infinity) : step(scene, from, dx, dy);
    if (to >= 0) tell.walk(to);
  };
  const zoom = (factor) => () => {
    const i = scene.hovered();
    camera.zoomBy(factor, ...(i < 0 ? [] : [scene.sx[i], scene.sy[i]]));
  };
  const take = (event) => tell.take(scene.hovered(), event.shiftKey);
  onKeys(
    canvas,
    {
      ArrowRight: arrow(1, 0),
      ArrowLeft: arrow(-1, 0),
      ArrowUp: arrow(0, -1),
      ArrowDown: arrow(0, 1),
      "+": zoom(1.3),
      "=": zoom(1.3),
      "-": zoom(1 / 1.3),
      0: tell.whole,
      Home: tell.whole,
      Enter: take,
      " ": take,
      Escape: () => {
        fingers.clear();
        if (scene.line) return drop();
        return tell.escape();
      },
    },
    view.signal,
  );
}
