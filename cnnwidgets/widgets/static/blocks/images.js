// Images of positive and negative numbers as the kernel sent them, and their pixels: zero is the middle grey.

import { bytesOf } from "../shared/bytes.js";

const FULL = 32767; // the code of an image's largest number
const BINS = 4096;
export const GREY = "rgb(128, 128, 128)";

export function readBlocks(model, n) {
  return model.get("_blocks").map((block, place) => {
    const bytes = bytesOf(model.get(`_codes_${place}`));
    const codes = new Int16Array(bytes.slice(0, bytes.length & ~1).buffer); // copied: bytes may start anywhere in a message
    let from = 0;
    const images = block.images.map((each) => {
      const [top, left, bottom, right] = each.area;
      const count = each.most ? each.channels * (bottom - top) * (right - left) : 0;
      const image = openImage(each, codes.subarray(from, from + count));
      from += count;
      return image;
    });
    const whole = images.length === n && codes.length >= from; // what belongs together may come in two messages
    return { ...block, images: whole ? images : [] };
  });
}

function openImage({ area, most, channels }, codes) {
  const [top, left, bottom, right] = area;
  const [h, w] = [bottom - top, right - left];
  const size = h * w;
  const canvas = document.createElement("canvas");
  let painted = null;
  let limits = new Map();

  // The numbers at a pixel of the picture, one a channel.
  function at(row, column) {
    if (most === null) return Array(channels).fill(NaN);
    const inside = row >= top && row < bottom && column >= left && column < right;
    return Array.from({ length: channels }, (_, k) => (inside ? (codes[k * size + (row - top) * w + column - left] / FULL) * most : 0));
  }

  // The percentile of the sizes of all numbers but zero.
  function limit(clip) {
    if (!most) return 0;
    if (clip >= 100) return most;
    if (!limits.has(clip)) {
      const bins = new Uint32Array(BINS + 1);
      let count = 0;
      for (const code of codes) {
        if (!code) continue;
        bins[Math.ceil((Math.abs(code) / FULL) * BINS)]++;
        count++;
      }
      let place = 0;
      for (let seen = 0; place < BINS; place++) if ((seen += bins[place]) >= (count * clip) / 100) break;
      limits.set(clip, (Math.max(place, 1) / BINS) * most);
    }
    return limits.get(clip);
  }

  function pixels(range) {
    if (painted === range || !size) return canvas;
    Object.assign(canvas, { width: w, height: h });
    const picture = new ImageData(w, h);
    const { data } = picture; // clamps and rounds by itself
    const step = range ? (127.5 * most) / FULL / range : 0;
    for (let i = 0; i < size; i++) {
      for (let k = 0; k < 3; k++) data[4 * i + k] = 127.5 + step * codes[(channels === 1 ? 0 : k) * size + i];
      data[4 * i + 3] = 255;
    }
    canvas.getContext("2d").putImageData(picture, 0, 0);
    painted = range;
    return canvas;
  }

  return { area, most, at, limit, pixels, isZero: most === 0, isBroken: most === null };
}
