// What a square shows, as a stamp: the same little landscape in each, so that one sees what is done to it.

import { h } from "../shared/dom.js";

const SIDE = 32; // pixels; half as large on the page

const stamps = {
  grey: (g) => flat(g, "#808080"),
  black: (g) => flat(g, "#000"),
  mean: (g) => flat(g, "#94ab95"), // the mean colour of the landscape
  noise(g) {
    let seed = 7;
    const next = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    for (let y = 0; y < SIDE; y += 4) {
      for (let x = 0; x < SIDE; x += 4) {
        g.fillStyle = `rgb(${[0, 0, 0].map(() => Math.round(255 * next())).join(" ")})`;
        g.fillRect(x, y, 4, 4);
      }
    }
  },
  blurred(g) {
    const small = document.createElement("canvas"); // Safari has no filter on canvases
    Object.assign(small, { width: 3, height: 3 });
    const s = small.getContext("2d");
    s.scale(3 / SIDE, 3 / SIDE);
    landscape(s, 0, 0);
    g.imageSmoothingQuality = "high";
    g.drawImage(small, 0.5, 0.5, 2, 2, 0, 0, SIDE, SIDE);
  },
  elsewhere(g) {
    for (const y of [-SIDE / 2, SIDE / 2]) for (const x of [-SIDE / 2, SIDE / 2]) landscape(g, x, y);
  },
};

function flat(g, colour) {
  g.fillStyle = colour;
  g.fillRect(0, 0, SIDE, SIDE);
}

// Sky, meadow and sun.
function landscape(g, x, y) {
  g.fillStyle = "#8fc1ea";
  g.fillRect(x, y, SIDE, SIDE);
  g.fillStyle = "#5f8f4a";
  g.fillRect(x, y + SIDE * 0.62, SIDE, SIDE * 0.38);
  g.fillStyle = "#f6b93b";
  g.beginPath();
  g.arc(x + SIDE * 0.5, y + SIDE * 0.42, SIDE * 0.24, 0, 2 * Math.PI);
  g.fill();
}

// null for a fill that nothing is known of.
export function swatch(name, colour) {
  if (!colour && !Object.hasOwn(stamps, name)) return null;
  const canvas = h("canvas", { class: "cw-swatch", width: SIDE, height: SIDE, "aria-hidden": "true" });
  canvas.dataset.key = colour ?? name;
  const g = canvas.getContext("2d");
  if (colour) flat(g, colour);
  else stamps[name](g);
  return canvas;
}
