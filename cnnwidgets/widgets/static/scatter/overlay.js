// What moves under the hand lies over the points, so that these need not be drawn again.

import { HIDDEN } from "./points.js";
import { rgb } from "./stamps.js";

function circle(g, x, y, radius) {
  g.beginPath();
  g.arc(x, y, radius, 0, 2 * Math.PI);
}

// Rings that stay: around added and highlighted points.
export function paintRings(g, scene) {
  const { n, sx, sy, states, inks, pictures, firstAdded } = scene;
  const ring = (i, colour, wide) => {
    if (i < 0 || i >= n || states[i] === HIDDEN) return;
    for (const [ink, width] of [[inks.paper, wide + 2], [colour, wide]]) {
      [g.strokeStyle, g.lineWidth] = [rgb(ink), width];
      if (pictures.side(i)) {
        const side = pictures.side(i) + 3;
        g.strokeRect(sx[i] - side / 2, sy[i] - side / 2, side, side);
      } else {
        circle(g, sx[i], sy[i], scene.dots.diameter() * (i >= firstAdded ? 0.85 : 0.5) + 3);
        g.stroke();
      }
    }
  };
  for (let i = firstAdded; i < n; i++) ring(i, inks.ink, 1.5);
  for (const i of scene.model.get("highlighted")) ring(i, inks.ink, 2);
}

export function paintOverlay(g, scene, width, height) {
  const { sx, sy, inks, pictures } = scene;
  g.clearRect(0, 0, width, height);
  const i = scene.hovered();
  if (i >= 0) {
    const radius = Math.max(9, scene.dots.diameter() + 5);
    const half = pictures.side(i) ? pictures.side(i) / 2 + 2 : 0;
    const outline = (grow) => {
      if (half) {
        g.beginPath();
        g.rect(sx[i] - half - grow, sy[i] - half - grow, 2 * (half + grow), 2 * (half + grow));
      } else circle(g, sx[i], sy[i], radius + grow);
    };
    // the point itself once more, as others may lie over it
    if (!half) {
      g.save();
      g.translate(sx[i], sy[i]);
      inks.shape(g, scene.labels[i], scene.dots.diameter() / 2 + 1.5);
      g.fillStyle = rgb(inks.fill(scene.labels[i]));
      g.fill();
      g.restore();
    }
    for (const [grow, ink, wide] of [[0, inks.paper, 6], [0, inks.ink, 2.5]]) {
      outline(grow);
      [g.strokeStyle, g.lineWidth] = [rgb(ink), wide];
      g.stroke();
    }
    if (!half) {
      // four strokes point at it from afar: in a linked map the eye has to find it
      g.beginPath();
      for (const [x, y] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
        g.moveTo(sx[i] + x * (radius + 3), sy[i] + y * (radius + 3));
        g.lineTo(sx[i] + x * (radius + 10), sy[i] + y * (radius + 10));
      }
      for (const [ink, wide] of [[inks.paper, 4], [inks.ink, 1.5]]) {
        [g.strokeStyle, g.lineWidth] = [rgb(ink), wide];
        g.stroke();
      }
    }
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
