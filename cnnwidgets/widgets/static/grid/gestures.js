// Pointer, wheel and fingers on a canvas that can be zoomed.

import { placeOf } from "../shared/canvas.js";

const CLICK = 4; // pixels that a hand may move between press and release

// `tell` has hover(event), leave(), click(place), zoomed() after the zoom has changed, and reset().
export function onGestures(view, canvas, zoom, tell) {
  const fingers = new Map(); // the last place of each pointer that is down
  let moved = 0;

  const box = () => [canvas.clientWidth, canvas.clientHeight];
  const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;

  view.listen(canvas, "pointerdown", (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, placeOf(event, canvas));
    canvas.setPointerCapture(event.pointerId);
    moved = fingers.size > 1 ? Infinity : 0;
  });
  view.listen(canvas, "pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return tell.hover(event);
    const now = placeOf(event, canvas);
    fingers.set(event.pointerId, now);
    if (fingers.size === 2) {
      const [[, other]] = [...fingers].filter(([id]) => id !== event.pointerId);
      const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
      zoom.by(apart(now, other) / apart(before, other), ...middle, box());
      return tell.zoomed();
    }
    moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (zoom.k === 1 || moved <= CLICK) return;
    zoom.pan(now[0] - before[0], now[1] - before[1]);
    tell.leave();
    tell.zoomed();
  });
  view.listen(canvas, "pointerup", (event) => {
    if (fingers.delete(event.pointerId) && moved <= CLICK) tell.click(placeOf(event, canvas));
  });
  view.listen(canvas, "pointercancel", (event) => fingers.delete(event.pointerId));
  view.listen(canvas, "pointerleave", tell.leave);
  view.listen(canvas, "dblclick", tell.reset);

  // A notebook is scrolled over: the wheel zooms only where the tiles were clicked before, or with Ctrl (as a pinch on
  // a touchpad comes).
  const zooms = (event) =>
    event.ctrlKey || (document.activeElement === canvas && (zoom.k > 1 || event.deltaY < 0));
  view.listen(
    canvas,
    "wheel",
    (event) => {
      if (!zooms(event)) return;
      event.preventDefault();
      event.stopPropagation();
      const speed = event.deltaMode ? 0.05 : event.ctrlKey ? 0.01 : 0.002;
      zoom.by(Math.exp(-event.deltaY * speed), ...placeOf(event, canvas), box());
      tell.zoomed();
      tell.hover(event);
    },
    { passive: false },
  );
}
