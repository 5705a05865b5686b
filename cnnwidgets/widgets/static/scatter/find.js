// Which point is meant. All of them are asked, since 100,000 distances take a fifth of a millisecond: a tree or grid
// would cost more to build each time the map changes.

import { HIDDEN } from "./points.js";

// The nearest point within `reach`; `lies(i, dx, dy)` may say that the place is on its picture.
export function nearest(scene, x, y, reach, lies) {
  const { n, sx, sy, states } = scene;
  let best = -1;
  let least = reach * reach;
  let onPicture = false;
  for (let i = 0; i < n; i++) {
    const dx = sx[i] - x;
    const dy = sy[i] - y;
    const d = dx * dx + dy * dy;
    const on = lies !== null && lies(i, dx, dy);
    if (states[i] === HIDDEN || (!on && (onPicture || d > least))) continue;
    if (on && onPicture && d > least) continue;
    [best, least, onPicture] = [i, d, on];
  }
  return best;
}

// From a point to the nearest one in a direction (dx, dy): within 45 degrees, else within 90.
export function step(scene, from, dx, dy) {
  const { n, sx, sy, states } = scene;
  let [best, least] = [-1, Infinity];
  for (const widest of [1, Infinity]) {
    for (let i = 0; i < n; i++) {
      if (i === from || states[i] === HIDDEN) continue;
      const [x, y] = [sx[i] - sx[from], sy[i] - sy[from]];
      const ahead = x * dx + y * dy;
      const aside = Math.abs(x * dy - y * dx);
      const far = x * x + y * y;
      if (ahead > 0 && aside <= ahead * widest && far < least) [best, least] = [i, far];
    }
    if (best >= 0) return best;
  }
  return -1;
}

// Points inside of a closed line of [x, y].
export function inside(scene, line) {
  const { n, sx, sy, states } = scene;
  const [xs, ys] = [line.map(([x]) => x), line.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const found = [];
  for (let i = 0; i < n; i++) {
    const [x, y] = [sx[i], sy[i]];
    if (states[i] === HIDDEN || x < left || x > right || y < top || y > bottom) continue;
    let odd = false;
    for (let a = 0, b = line.length - 1; a < line.length; b = a++) {
      if (ys[a] > y !== ys[b] > y && x < ((xs[b] - xs[a]) * (y - ys[a])) / (ys[b] - ys[a]) + xs[a]) odd = !odd;
    }
    if (odd) found.push(i);
  }
  return found;
}

// How far points are from their nearest neighbours, in units of the plane: the median of a few; and whether they lie
// on a lattice, where all are the same.
export function spacing({ firstAdded: n, xy }) {
  const MANY = 60;
  const found = [];
  for (let k = 0; k < Math.min(MANY, n); k++) {
    const i = Math.floor((k * n) / Math.min(MANY, n));
    let least = Infinity;
    for (let j = 0; j < n; j++) {
      const d = (xy[2 * j] - xy[2 * i]) ** 2 + (xy[2 * j + 1] - xy[2 * i + 1]) ** 2;
      if (d < least && d > 0) least = d;
    }
    if (least < Infinity) found.push(Math.sqrt(least));
  }
  found.sort((a, b) => a - b);
  const median = found[found.length >> 1] ?? 0;
  return { median, lattice: found.length > 3 && found[found.length - 1] < 1.02 * found[0] };
}
