// All points in one go. Canvas 2D has no fast way to draw 100,000 shapes (arcs 900 ms a frame, drawImage 540 ms, both
// measured in software), so their pixels are written straight into an array: 25 ms, at 10,000 points 3 ms. WebGL would be
// quicker still, but a page has 16 contexts at most, and browsers without a graphics card are losing it.

import { cutStamp, rgb } from "./stamps.js";

export const HIDDEN = 0;
export const FAINT = 1;
export const PLAIN = 2;
const LARGER = 1.7; // how much larger added points are

export function openPoints(scene) {
  let image = null;
  let pixels = null;
  let stamps = new Map();
  let cutFor = "";

  // Diameter in CSS pixels: fewer points are larger, and they grow a little when one comes nearer.
  function diameter() {
    const { n, camera, model } = scene;
    const own = Math.min(Math.max(8 - 1.3 * Math.log10(Math.max(n, 10) / 10), 2.5), 8);
    const nearer = Math.min(Math.max(camera.now().zoom, 1) ** 0.3, 2);
    return model.get("point_size") || Math.min(own * nearer, 11);
  }

  function stampOf(label, faint, added, ratio) {
    const key = (label + 1) * 4 + (faint ? 2 : 0) + (added ? 1 : 0);
    let stamp = stamps.get(key);
    if (!stamp) {
      const across = diameter() * (added ? LARGER : 1);
      const edged = across >= 4 ? Math.max(1, 0.8 * ratio) : 0;
      stamp = cutStamp(scene.inks, label, (across * ratio) / 2, edged, faint, image.width);
      stamps.set(key, stamp);
    }
    return stamp;
  }

  function paint(g, ratio) {
    const { width, height } = g.canvas;
    const cut = [width, height, ratio, diameter().toFixed(2), rgb(scene.inks.paper)].join();
    if (image?.width !== width || image?.height !== height) {
      image = new ImageData(width, height);
      pixels = new Int32Array(image.data.buffer);
    }
    if (cut !== cutFor) [stamps, cutFor] = [new Map(), cut];
    const [red, green, blue] = scene.inks.paper;
    pixels.fill((255 << 24) | (blue << 16) | (green << 8) | red);
    const { n, states, firstAdded } = scene;
    const some = states.includes(FAINT);
    if (some) stampAll(FAINT, 0, firstAdded, ratio);
    stampAll(PLAIN, 0, firstAdded, ratio);
    if (some) stampAll(FAINT, firstAdded, n, ratio);
    stampAll(PLAIN, firstAdded, n, ratio);
    g.putImageData(image, 0, 0);
  }

  function stampAll(state, from, to, ratio) {
    const { sx, sy, states, labels, firstAdded } = scene;
    const { width, height } = image;
    const looks = []; // by class: a map would be asked too often
    for (let i = from; i < to; i++) {
      if (states[i] !== state) continue;
      const stamp = (looks[labels[i] + 1] ??= stampOf(labels[i], state === FAINT, i >= firstAdded, ratio));
      const x = Math.round(sx[i] * ratio);
      const y = Math.round(sy[i] * ratio);
      const { half, solid, soft } = stamp;
      if (x < half || y < half || x >= width - half || y >= height - half) {
        if (x > -half && y > -half && x < width + half && y < height + half) stampEdge(stamp, x, y);
        continue;
      }
      const at = y * width + x;
      for (let e = 0; e < solid.length; e += 2) pixels[at + solid[e]] = solid[e + 1];
      for (let e = 0; e < soft.length; e += 5) blend(at + soft[e], soft, e);
    }
  }

  function blend(at, soft, e) {
    const below = pixels[at];
    const alpha = soft[e + 1];
    const rest = 255 - alpha;
    const red = ((below & 255) * rest + soft[e + 2] * alpha) >> 8;
    const green = (((below >> 8) & 255) * rest + soft[e + 3] * alpha) >> 8;
    const blue = (((below >> 16) & 255) * rest + soft[e + 4] * alpha) >> 8;
    pixels[at] = (255 << 24) | (blue << 16) | (green << 8) | red;
  }

  // At the border some pixels of a point lie outside.
  function stampEdge({ solid, soft }, x, y) {
    const { width, height } = image;
    const at = y * width + x;
    const inside = (offset) => {
      const down = Math.round(offset / width); // a stamp is much narrower than the picture
      const [column, row] = [x + offset - down * width, y + down];
      return column >= 0 && column < width && row >= 0 && row < height;
    };
    for (let e = 0; e < solid.length; e += 2) if (inside(solid[e])) pixels[at + solid[e]] = solid[e + 1];
    for (let e = 0; e < soft.length; e += 5) if (inside(soft[e])) blend(at + soft[e], soft, e);
  }

  return { paint, diameter };
}
