// All points in one go: their pixels are written straight into an array. Measured without a graphics card, 100,000 points
// of 3.5 CSS pixels, milliseconds a frame: this 25, WebGL 290, squares (fillRect) 180, sprites (drawImage) 540, arcs 900;
// 10,000 points of 6: this 3, WebGL 68, sprites 70. A page has room for 16 WebGL contexts only; jupyter-scatter draws with
// WebGL too, and told of hovering after 600 ms.

import { cutStamp, rgb } from "./stamps.js";

export const HIDDEN = 0;
export const FAINT = 1;
export const PLAIN = 2;
const LARGER = 1.7; // how much larger added points are

export function openPoints(scene) {
  let image = null;
  let pixels = null;
  let room = 0;

  // Diameter in CSS pixels: fewer points are larger, and they grow a little when one comes nearer.
  function diameter() {
    const { n, camera, model } = scene;
    const own = Math.min(Math.max(8 - 1.3 * Math.log10(Math.max(n, 10) / 10), 2.5), 8);
    const nearer = Math.min(Math.max(camera.now().zoom, 1) ** 0.3, 2);
    return model.get("point_size") || Math.min(own * nearer, 11);
  }

  const acrossOf = (added, ratio) => diameter() * ratio * (added ? LARGER : 1);

  function stampOf(label, faint, added, ratio) {
    const across = acrossOf(added, ratio);
    const edged = across >= 4 * ratio ? Math.max(1, 0.8 * ratio) : 0;
    return cutStamp(scene.inks, label, across / 2, edged, faint, image.width);
  }

  function paint(g, ratio) {
    // points at the border are drawn whole, and cut off with the room around the picture
    room = 2 * Math.ceil(0.65 * acrossOf(true, ratio)) + 5;
    const [width, height] = [g.canvas.width + 2 * room, g.canvas.height + 2 * room];
    if (image?.width !== width || image?.height !== height) {
      image = new ImageData(width, height);
      pixels = new Int32Array(image.data.buffer);
    }
    const [red, green, blue] = scene.inks.paper;
    pixels.fill((255 << 24) | (blue << 16) | (green << 8) | red);
    const { n, states, firstAdded } = scene;
    for (const [from, to] of [[0, firstAdded], [firstAdded, n]]) {
      if (states.includes(FAINT)) stampAll(FAINT, from, to, ratio);
      stampAll(PLAIN, from, to, ratio);
    }
    g.putImageData(image, -room, -room);
  }

  function stampAll(state, from, to, ratio) {
    const { sx, sy, states, labels, firstAdded } = scene;
    const { width, height } = image;
    const looks = [];
    for (let i = from; i < to; i++) {
      if (states[i] !== state) continue;
      const x = Math.round(sx[i] * ratio) + room;
      const y = Math.round(sy[i] * ratio) + room;
      const { half, solid, soft } = (looks[labels[i] + 1] ??= stampOf(labels[i], state === FAINT, i >= firstAdded, ratio));
      if (x < half || y < half || x >= width - half || y >= height - half) continue;
      const at = y * width + x;
      for (let e = 0; e < solid.length; e += 2) pixels[at + solid[e]] = solid[e + 1];
      for (let e = 0; e < soft.length; e += 5) blend(at + soft[e], soft, e);
    }
  }

  function blend(at, soft, e) {
    const below = pixels[at];
    const alpha = soft[e + 1];
    const part = (shift, colour) => ((((below >> shift) & 255) * (255 - alpha) + colour * alpha) / 255) << shift;
    pixels[at] = (255 << 24) | part(16, soft[e + 4]) | part(8, soft[e + 3]) | part(0, soft[e + 2]);
  }

  return { paint, diameter };
}
