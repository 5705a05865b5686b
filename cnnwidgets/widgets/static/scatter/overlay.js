// What moves under the hand lies over the points, so that these need not be drawn again.

import { HIDDEN } from "./points.js";
import { rgb } from "./stamps.js";

// Rings that stay: around added and highlighted points.
export function paintRings(g, scene) {
  const { n, sx, sy, states, inks, pictures, firstAdded } = scene;
  const added = Array.from({ length: n - firstAdded }, (_, k) => firstAdded + k);
  for (const i of [...added, ...scene.model.get("highlighted")]) {
    if (i < 0 || i >= n || states[i] === HIDDEN) continue;
    g.beginPath();
    const half = pictures.side(i) / 2 + 1.5;
    if (half > 2) g.rect(sx[i] - half, sy[i] - half, 2 * half, 2 * half);
    else g.arc(sx[i], sy[i], scene.dots.diameter() * (i >= firstAdded ? 0.85 : 0.5) + 3, 0, 2 * Math.PI);
    stroke(g, inks, 2);
  }
}

// Over a band of paper, so that it is seen on any colour.
function stroke(g, inks, wide) {
  for (const [ink, width] of [[inks.paper, wide + 2.5], [inks.ink, wide]]) {
    [g.strokeStyle, g.lineWidth] = [rgb(ink), width];
    g.stroke();
  }
}

export function paintOverlay(g, scene, width, height) {
  const { sx, sy, inks, pictures } = scene;
  g.clearRect(0, 0, width, height);
  const i = scene.hovered();
  if (i >= 0) {
    const radius = Math.max(9, scene.dots.diameter() + 5);
    const half = pictures.side(i) ? pictures.side(i) / 2 + 2 : 0;
    // the point itself once more, as others may lie over it
    if (!half) {
      g.save();
      g.translate(sx[i], sy[i]);
      inks.shape(g, scene.labels[i], scene.dots.diameter() / 2 + 1.5);
      g.fillStyle = rgb(inks.fill(scene.labels[i]));
      g.fill();
      g.restore();
    }
    g.beginPath();
    if (half) g.rect(sx[i] - half, sy[i] - half, 2 * half, 2 * half);
    else {
      g.arc(sx[i], sy[i], radius, 0, 2 * Math.PI);
      // four strokes point at it from afar: in a linked map the eye has to find it
      for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        g.moveTo(sx[i] + x * (radius + 3), sy[i] + y * (radius + 3));
        g.lineTo(sx[i] + x * (radius + 9), sy[i] + y * (radius + 9));
      }
    }
    stroke(g, inks, 2);
  }
  const line = scene.line;
  if (line && line.length > 1) {
    g.beginPath();
    for (const [x, y] of line) g.lineTo(x, y);
    g.closePath();
    g.globalAlpha = 0.12;
    g.fillStyle = rgb(inks.accent);
    g.fill();
    g.globalAlpha = 1;
    [g.strokeStyle, g.lineWidth] = [rgb(inks.accent), 1.5];
    g.stroke();
  }
}
