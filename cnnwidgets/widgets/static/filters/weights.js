// Filters as the kernel sent them, and their shades of grey.

import { bytesOf, floatsOf } from "../shared/bytes.js";

const signed = (value) => {
  const bytes = bytesOf(value);
  return new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
};
const finite = (value) => (Number.isFinite(value) ? value : 0);

// One signed byte a weight, in 127ths of its filter's largest magnitude; filters with NaN or infinity have NaN for it.
export function readWeights(model) {
  const [n, inputs, h, w] = model.get("_shape");
  const size = h * w;
  const codes = signed(model.get("_codes"));
  const scales = floatsOf(model.get("_scales"));
  const exact = floatsOf(model.get("_exact")); // the numbers themselves, where there are few
  const fitted = signed(model.get("_fitted"));
  const shared = model.get("normalise") === "shared";
  const largest = scales.reduce((most, scale) => Math.max(most, finite(scale)), 0);

  const at = (filter, input, row, column) => ((filter * inputs + input) * h + row) * w + column;

  function value(filter, input, row, column) {
    const i = at(filter, input, row, column);
    if (exact.length) return exact[i];
    return (codes[i] / 127) * scales[filter];
  }

  function note(filter) {
    if (Number.isNaN(scales[filter])) return "not finite: holds NaN or infinity";
    return scales[filter] === 0 ? "zero everywhere" : "";
  }

  // The weight of white.
  const white = (filter) => (shared ? largest : finite(scales[filter]));

  // Brightness of each code from -127 to 127, at the places 1 to 255: zero is 128, always.
  function shades(filter) {
    const share = white(filter) ? finite(scales[filter]) / white(filter) : 0;
    return Uint8ClampedArray.from({ length: 256 }, (_, i) => 128 + Math.round((i - 128) * share));
  }

  // Paint a filter into an array of pixels whose rows are `stride` long: in colour, or one of its inputs in grey.
  function paint(pixels, start, stride, filter, input = null, from = codes) {
    const shade = shades(filter);
    const channel = (c) => at(filter, c, 0, 0);
    const [red, green, blue] = input === null && inputs === 3 ? [0, 1, 2].map(channel) : Array(3).fill(channel(input ?? 0));
    for (let row = 0; row < h; row++) {
      for (let column = 0; column < w; column++) {
        const i = row * w + column;
        const [r, g, b] = [shade[128 + from[red + i]], shade[128 + from[green + i]], shade[128 + from[blue + i]]];
        pixels[start + row * stride + column] = ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
      }
    }
  }

  // The input with the largest weights.
  function strongestInput(filter) {
    let [best, most] = [0, -1];
    for (let input = 0; input < inputs; input++) {
      let sum = 0;
      for (let i = at(filter, input, 0, 0), end = i + size; i < end; i++) sum += codes[i] * codes[i];
      if (sum > most) [best, most] = [input, sum];
    }
    return best;
  }

  return {
    n, inputs, h, w, size, codes, scales, fitted, shared, white, value, note, paint, shades, strongestInput,
    isExact: exact.length > 0,
    isTiles: inputs === 1 || inputs === 3,
  };
}

// A filter as a small canvas, a pixel a weight, to be enlarged where it is drawn.
export function pictureOfFilter(weights, filter, input, from) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width: weights.w, height: weights.h });
  const pixels = new ImageData(weights.w, weights.h);
  weights.paint(new Uint32Array(pixels.data.buffer), 0, weights.w, filter, input, from);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}
