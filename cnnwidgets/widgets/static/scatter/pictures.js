// The pictures themselves as points.

import { FAINT, HIDDEN, PLAIN } from "./points.js";
import { rgb } from "./stamps.js";

const [SMALLEST, LARGEST] = [24, 72]; // CSS pixels
const SEEN = 3; // CSS pixels from point to point at which the first pictures come, in an enlarged map
const ROOMY = 12; // and in the whole one
const ADDED = 32; // CSS pixels at least of those that were added: they are looked for

export function openPictures(scene) {
  let placed = new Uint8Array(0); // whose picture is drawn
  let side = 0;

  // Pictures are as large as the points lie apart, so that zooming brings more of them, and larger ones. It depends on
  // the zoom only: moving the map must not change what is drawn.
  function sideNow() {
    const how = scene.model.get("show_images");
    const { median, lattice } = scene.spacing;
    const { scale, zoom } = scene.camera.now();
    const apart = median * scale;
    if (how === "never" || !scene.n) return 0;
    if (how === "zoom" && apart < (zoom < 1.5 ? ROOMY : SEEN)) return 0;
    if (lattice) return Math.min(0.96 * apart, 160);
    return Math.min(Math.max(1.8 * apart, how === "always" ? 16 : SMALLEST), LARGEST);
  }

  // Which ones have room; added ones first, then those that are not faint, each in their order.
  function place() {
    const { n, sx, sy, states, firstAdded, camera, thumbnail } = scene;
    if (placed.length !== n) placed = new Uint8Array(n);
    placed.fill(0);
    side = sideNow();
    const all = scene.model.get("show_images") === "always" || scene.spacing.lattice;
    const [width, height] = camera.size();
    const AROUND = 4; // cells outside of the view: they decide about those at its border
    const columns = Math.ceil(width / Math.max(side, 1)) + 2 * AROUND;
    const rows = Math.ceil(height / Math.max(side, 1)) + 2 * AROUND;
    const taken = new Int32Array(side && !all ? columns * rows : 0).fill(-1); // by whose picture
    const one = (i) => {
      if (states[i] === HIDDEN || !thumbnail(i)) return;
      if (i >= firstAdded) placed[i] = 1;
      const column = Math.floor(sx[i] / side) + AROUND;
      const row = Math.floor(sy[i] / side) + AROUND;
      if (!side || column < 1 || row < 1 || column >= columns - 1 || row >= rows - 1) return;
      if (!all) {
        for (let r = row - 1; r <= row + 1; r++) {
          for (let c = column - 1; c <= column + 1; c++) {
            const other = taken[r * columns + c];
            if (other >= 0 && Math.abs(sx[other] - sx[i]) < side && Math.abs(sy[other] - sy[i]) < side) return;
          }
        }
        taken[row * columns + column] = i;
      }
      placed[i] = 1;
    };
    if (scene.model.get("show_images") !== "never") for (let i = firstAdded; i < n; i++) one(i);
    if (!side) return;
    for (const state of [PLAIN, FAINT]) for (let i = 0; i < firstAdded; i++) if (states[i] === state) one(i);
  }

  function paint(g) {
    place();
    const { n, sx, sy, states, labels, inks, firstAdded, thumbnail } = scene;
    const [width, height] = scene.camera.size();
    for (let i = side ? 0 : firstAdded; i < n; i++) {
      const own = sideOf(i);
      if (!placed[i] || sx[i] < -own || sy[i] < -own || sx[i] > width + own || sy[i] > height + own) continue;
      const [x, y] = [sx[i] - own / 2, sy[i] - own / 2];
      const frame = own < 8 ? 0 : own < 14 ? 1 : own < 32 ? 1.5 : 2;
      if (states[i] === FAINT) {
        g.globalAlpha = 1;
        g.fillStyle = rgb(inks.paper);
        g.fillRect(x, y, own, own);
      }
      g.globalAlpha = states[i] === FAINT ? 0.22 : 1;
      if (frame) {
        g.fillStyle = rgb(i >= firstAdded ? inks.ink : inks.fill(labels[i]));
        g.fillRect(x, y, own, own);
      }
      thumbnail(i)(g, x + frame, y + frame, own - 2 * frame);
    }
    g.globalAlpha = 1;
  }

  const sideOf = (i) => (i < scene.firstAdded ? side : Math.max(side, ADDED));
  const on = (i, dx, dy) => placed[i] === 1 && 2 * Math.max(Math.abs(dx), Math.abs(dy)) <= sideOf(i);
  return {
    paint,
    // Side of the picture that is drawn for a point, 0 for none.
    side: (i) => (placed[i] ? sideOf(i) : 0),
    // Whether a place that lies (dx, dy) from a point is on its picture; null where there are none.
    lies: () => (side || scene.firstAdded < scene.n ? on : null),
  };
}
