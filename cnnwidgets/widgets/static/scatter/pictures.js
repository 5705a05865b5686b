// The pictures themselves as points.

import { HIDDEN, FAINT } from "./points.js";
import { rgb } from "./stamps.js";

const [SMALLEST, LARGEST] = [24, 72]; // CSS pixels
const SEEN = 5; // CSS pixels from point to point at which the first pictures come

export function openPictures(scene) {
  let placed = new Uint8Array(0); // whose picture is drawn
  let side = 0;

  // Pictures are as large as the points lie apart, so that zooming brings more of them, and larger ones. It depends on
  // the zoom only: moving the map must not change what is drawn.
  function sideNow() {
    const how = scene.model.get("show_images");
    const { median, lattice } = scene.spacing;
    const apart = median * scene.camera.now().scale;
    if (how === "never" || !scene.n) return 0;
    if (how === "zoom" && apart < SEEN) return 0;
    if (lattice) return Math.min(0.96 * apart, 160);
    return Math.min(Math.max(1.8 * apart, how === "always" ? 16 : SMALLEST), LARGEST);
  }

  // Which ones have room; added ones first, then in their order.
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
    const taken = new Int32Array(side && !all ? columns * rows : 0).fill(-1);
    const one = (i) => {
      if (states[i] === HIDDEN || !thumbnail(i)) return;
      const column = Math.floor(sx[i] / side) + AROUND;
      const row = Math.floor(sy[i] / side) + AROUND;
      if (column < 1 || row < 1 || column >= columns - 1 || row >= rows - 1) return;
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
    if (!side) return;
    for (let i = firstAdded; i < n; i++) one(i);
    for (let i = 0; i < firstAdded; i++) one(i);
  }

  function paint(g) {
    place();
    if (!side) return;
    const { n, sx, sy, states, labels, inks, firstAdded } = scene;
    const [width, height] = scene.camera.size();
    const frame = side < 14 ? 0 : side < 32 ? 1.5 : 2;
    for (let i = 0; i < n; i++) {
      if (!placed[i] || sx[i] < -side || sy[i] < -side || sx[i] > width + side || sy[i] > height + side) continue;
      const [x, y] = [sx[i] - side / 2, sy[i] - side / 2];
      g.globalAlpha = states[i] === FAINT ? 0.22 : 1;
      if (frame) {
        g.fillStyle = rgb(i >= firstAdded ? inks.ink : inks.fill(labels[i]));
        g.fillRect(x, y, side, side);
      }
      const pictures = scene.thumbnail(i);
      g.imageSmoothingEnabled = pictures.smooth(side);
      scene.drawThumbnail(g, i, x + frame, y + frame, side - 2 * frame);
    }
    g.globalAlpha = 1;
  }

  return {
    paint,
    side: () => side,
    // Whether a place that lies (dx, dy) from a point is on its picture; null where there are none.
    lies: () => (side ? (i, dx, dy) => placed[i] === 1 && Math.abs(dx) <= side / 2 && Math.abs(dy) <= side / 2 : null),
    has: (i) => placed[i] === 1,
  };
}
