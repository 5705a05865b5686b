// Where the points are on the screen. The model's `view` says which part is seen; at zoom 1 it is the whole frame.

import { clamp } from "../shared/dom.js";

const MARGIN = 16; // CSS pixels around the whole map
const [FARTHEST, NEAREST] = [0.5, 2000];
export const WHOLE = [0.5, 0.5, 1];

export function openCamera(view, scene) {
  const { model } = view;
  let size = [1, 1];

  // CSS pixels for one unit of the plane, and the place in the plane that is in the middle.
  function now() {
    const [left, bottom, right, top] = scene.frame;
    const [x, y, zoom] = model.get("view");
    const [w, h] = [right - left || 1, top - bottom || 1];
    // pictures on a lattice fill their cells, and reach half a cell over the outermost points
    const more = scene.spacing.lattice && model.get("show_images") !== "never" ? scene.spacing.median : 0;
    const fit = Math.max(Math.min((size[0] - 2 * MARGIN) / (w + more), (size[1] - 2 * MARGIN) / (h + more)), 1e-30);
    return { fit, scale: fit * zoom, x: left + x * w, y: bottom + y * h, w, h, zoom };
  }

  // Where all points are on the screen.
  function project(xy, sx, sy) {
    const { scale, x, y } = now();
    const [middleX, middleY] = [size[0] / 2 - x * scale, size[1] / 2 + y * scale];
    for (let i = 0; i < sx.length; i++) {
      sx[i] = xy[2 * i] * scale + middleX;
      sy[i] = middleY - xy[2 * i + 1] * scale;
    }
  }

  function look(x, y, zoom) {
    const { w, h } = now();
    const [left, bottom] = scene.frame;
    view.set({ view: [clamp((x - left) / w, 0, 1), clamp((y - bottom) / h, 0, 1), zoom] });
  }

  function pan(dx, dy) {
    const { x, y, scale, zoom } = now();
    look(x - dx / scale, y + dy / scale, zoom);
  }

  // What is under (px, py) stays there.
  function zoomBy(factor, px = size[0] / 2, py = size[1] / 2) {
    const { x, y, scale, zoom } = now();
    const wanted = clamp(zoom * factor, FARTHEST, NEAREST);
    const [dx, dy] = [px - size[0] / 2, py - size[1] / 2];
    const less = 1 / scale - zoom / wanted / scale;
    look(x + dx * less, y - dy * less, wanted);
  }

  // Bring a place on the screen into view.
  function into(px, py, room = 40) {
    const lack = (at, side) => (at < room ? room - at : at > side - room ? side - room - at : 0);
    const [dx, dy] = [lack(px, size[0]), lack(py, size[1])];
    if (dx || dy) pan(dx, dy);
  }

  return {
    now, project, pan, zoomBy, into,
    reset: () => view.set({ view: WHOLE }),
    resize: (width, height) => (size = [width, height]),
    size: () => size,
  };
}
