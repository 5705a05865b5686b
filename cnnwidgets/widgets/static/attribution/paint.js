// Values into pixels: magnitudes and signed values through a table of 256 colours, gradients as a picture around mid-grey.

import { latticeOf } from "../heat/lattice.js";

const MIDDLE = 128;

const clamped = (value) => (value <= 0 ? 0 : value >= 255 ? 255 : Math.floor(value + 0.5));
const opaque = (red, green, blue) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

// One colour map of those that the kernel sent, as numbers for a canvas' pixels.
export function paletteOf(luts, place) {
  const table = luts.subarray(place * 768, place * 768 + 768);
  return Uint32Array.from({ length: 256 }, (_, i) => opaque(table[3 * i], table[3 * i + 1], table[3 * i + 2]));
}

// From the lowest to the highest value, for a strip of colours.
export function gradientOf(palette) {
  const css = (colour) => `rgb(${colour & 255}, ${(colour >> 8) & 255}, ${(colour >> 16) & 255})`;
  return `linear-gradient(to right, ${Array.from({ length: 18 }, (_, i) => css(palette[i * 15])).join(", ")})`;
}

export const GREYS = Uint32Array.from({ length: 256 }, (_, i) => opaque(i, i, i));

// Pixels of width x height; where a value is not finite they stay clear.
export function paintValues(width, height, { h, w, planes }, kind, limit, palette, smooth) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const [down, across] = [latticeOf([], h, h).places(height), latticeOf([], w, w).places(width)];
  const stretched = planes.map((plane) => stretch(plane, w, down, across, smooth));
  const [scale, zero] = kind === "heat" ? [255 / limit, 0] : kind === "signed" ? [127.5 / limit, 127.5] : [127 / limit, MIDDLE];
  if (kind !== "colour") {
    const [values] = stretched;
    for (let i = 0; i < pixels.length; i++) if (Number.isFinite(values[i])) pixels[i] = palette[clamped(values[i] * scale + zero)];
    return image;
  }
  const [red, green, blue] = stretched.length > 1 ? stretched : [stretched[0], stretched[0], stretched[0]];
  const part = (value) => clamped(value * scale + zero);
  for (let i = 0; i < pixels.length; i++) {
    if (Number.isFinite(red[i] + green[i] + blue[i])) pixels[i] = opaque(part(red[i]), part(green[i]), part(blue[i]));
  }
  return image;
}

// Values are interpolated, not colours, which would give colours that stand for nothing.
function stretch(plane, w, down, across, smooth) {
  const [height, width] = [down.nearest.length, across.nearest.length];
  const out = new Float32Array(height * width);
  let to = 0;
  for (let y = 0; y < height; y++) {
    const row = down.nearest[y] * w;
    const [above, below, lower] = [down.first[y] * w, down.last[y] * w, down.share[y]];
    for (let x = 0; x < width; x++, to++) {
      if (smooth) {
        const [left, right, share] = [across.first[x], across.last[x], across.share[x]];
        const upper = plane[above + left] + (plane[above + right] - plane[above + left]) * share;
        const under = plane[below + left] + (plane[below + right] - plane[below + left]) * share;
        out[to] = upper + (under - upper) * lower;
        if (Number.isFinite(out[to])) continue;
      }
      out[to] = plane[row + across.nearest[x]]; // beside a value that is not known there is nothing to interpolate
    }
  }
  return out;
}
