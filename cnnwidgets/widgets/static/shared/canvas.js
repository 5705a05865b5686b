// A canvas with as many pixels as the screen has under it.

import { h } from "./dom.js";

// draw(g, width, height, ratio) gets a context whose unit is the CSS pixel, and is called once a frame at most, whenever
// `repaint` asks for it, the size changes, the page is zoomed or the window moves to another screen.
export function openCanvas(view, attributes, draw) {
  const canvas = h("canvas", attributes);
  const g = canvas.getContext("2d");
  let ratio = window.devicePixelRatio || 1;

  function paint() {
    if (!canvas.width || !canvas.height) return;
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    draw(g, canvas.width / ratio, canvas.height / ratio, ratio);
  }
  const repaint = view.eachFrame(paint);

  const watch = new ResizeObserver(([entry]) => {
    ratio = window.devicePixelRatio || 1;
    const side = (exact, css) => (Math.abs(exact - css * ratio) < 1 ? exact : Math.round(css * ratio));
    // exact pixels where the browser knows them (not while it imitates another screen)
    const exact = entry.devicePixelContentBoxSize?.[0];
    const width = side(exact?.inlineSize, entry.contentRect.width);
    const height = side(exact?.blockSize, entry.contentRect.height);
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    paint(); // at once: a new size has emptied the canvas, and would show so for a frame
  });
  try {
    watch.observe(canvas, { box: "device-pixel-content-box" });
  } catch {
    watch.observe(canvas); // Safari does not tell exact pixels
  }
  view.onTheme(repaint);
  view.signal.addEventListener("abort", () => watch.disconnect());
  return { canvas, repaint };
}

// Places in CSS pixels from the canvas' corner, also while the pointer is captured and outside.
export function placeOf(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
