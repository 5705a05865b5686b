// Activation maps as the kernel sent them, and their colours.

import { bytesOf, floatsOf } from "../shared/bytes.js";

// One byte a value between the two ends of its channel; channels with NaN or infinite values have NaN as ends.
export function readMaps(model) {
  const [n, h, w] = model.get("_shape");
  const codes = bytesOf(model.get("_codes"));
  const ranges = floatsOf(model.get("_ranges"));
  const size = h * w;
  const all = { lo: Infinity, hi: -Infinity };
  for (let channel = 0; channel < n; channel++) {
    const [lo, hi] = [ranges[2 * channel], ranges[2 * channel + 1]];
    if (lo < all.lo) all.lo = lo;
    if (hi > all.hi) all.hi = hi;
  }
  if (all.lo > all.hi) all.lo = all.hi = 0;

  const lo = (channel) => ranges[2 * channel];
  const hi = (channel) => ranges[2 * channel + 1];

  function value(channel, row, column) {
    const code = codes[channel * size + row * w + column];
    return lo(channel) + (code / 255) * (hi(channel) - lo(channel));
  }

  // What is to be said of a map before it is looked at.
  function note(channel) {
    if (Number.isNaN(lo(channel))) return "not finite: holds NaN or infinity";
    if (lo(channel) === 0 && hi(channel) === 0) return "silent: zero everywhere";
    if (lo(channel) === hi(channel) && size > 1) return "the same everywhere";
    return "";
  }

  function strongest(channel) {
    let best = channel * size;
    for (let i = best; i < (channel + 1) * size; i++) if (codes[i] > codes[best]) best = i;
    best -= channel * size;
    return [Math.floor(best / w), best % w];
  }

  return { n, h, w, size, codes, all, lo, hi, value, note, strongest };
}

// The chosen colour map: `ends(channel)` are the values of its lowest and highest colour.
export function readColours(model, maps) {
  const [names, twoSided] = [model.get("_colormaps"), model.get("_diverging")];
  const wanted = model.get("colormap");
  const name = wanted !== "auto" ? wanted : maps.all.lo < 0 ? twoSided[0] : names[0];
  const place = Math.max(0, names.indexOf(name));
  const luts = bytesOf(model.get("_luts")).subarray(place * 768, place * 768 + 768);
  const palette = new Uint32Array(256); // a pixel of a canvas as one number: alpha, blue, green, red
  const rgb = (i) => [luts[3 * i], luts[3 * i + 1], luts[3 * i + 2]];
  for (let i = 0; i < 256; i++) {
    const [red, green, blue] = rgb(i);
    palette[i] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  const diverging = twoSided.includes(name);
  const each = model.get("scale") === "tile" && maps.size > 1;

  function ends(channel) {
    const { lo, hi } = each ? { lo: maps.lo(channel), hi: maps.hi(channel) } : maps.all;
    if (diverging) {
      const end = Math.max(Math.abs(lo), Math.abs(hi));
      return [-end, end];
    }
    // zero keeps the darkest colour where nothing in the layer is negative
    return [maps.all.lo >= 0 ? 0 : lo, hi];
  }

  // Index of the colour of a value; a map without any range is flat, never stretched.
  function index(value, [lo, hi]) {
    if (!(hi > lo)) return diverging ? 128 : 0;
    return Math.min(255, Math.max(0, Math.floor(((value - lo) / (hi - lo)) * 255 + 0.5)));
  }

  // The colours for a map over a picture: weak values let it through more than strong ones, so that it is seen where
  // the channel answers. Opacity 0 leaves the picture alone, 1 covers all of it.
  function veil(opacity) {
    return palette.map((colour, i) => {
      const share = diverging ? Math.abs(i - 127.5) / 127.5 : i / 255;
      const cover = opacity < 0.5 ? 2 * opacity * share : share + (1 - share) * (2 * opacity - 1);
      return ((Math.round(cover * 255) << 24) | (colour & 0xffffff)) >>> 0;
    });
  }

  // Paint one map into an array of pixels whose rows are `stride` long.
  function paint(pixels, start, stride, channel, table = palette) {
    const { h, w, size, codes } = maps;
    const range = ends(channel);
    const lo = maps.lo(channel);
    const step = (maps.hi(channel) - lo) / 255;
    if (Number.isNaN(lo)) return;
    let code = channel * size;
    const colours = new Uint32Array(256); // small tables beat arithmetic where maps are large
    if (size >= 256) for (let i = 0; i < 256; i++) colours[i] = table[index(lo + i * step, range)];
    for (let row = 0; row < h; row++) {
      let at = start + row * stride;
      if (size >= 256) for (let column = 0; column < w; column++) pixels[at++] = colours[codes[code++]];
      else for (let column = 0; column < w; column++) pixels[at++] = table[index(lo + codes[code++] * step, range)];
    }
  }

  // The same map interpolated between its cells' middles: values are, not colours, which would give colours that
  // stand for nothing.
  function paintSmooth(pixels, height, width, channel, table = palette) {
    const { h, w, size, codes } = maps;
    const range = ends(channel);
    const lo = maps.lo(channel);
    const step = (maps.hi(channel) - lo) / 255;
    const colours = new Uint32Array(1024);
    for (let i = 0; i < 1024; i++) colours[i] = table[index(lo + (i / 1023) * 255 * step, range)];
    const axis = (cells, many) =>
      Array.from({ length: many }, (_, i) => {
        const at = Math.min(Math.max(((i + 0.5) * cells) / many - 0.5, 0), cells - 1);
        const first = Math.floor(at);
        return [first, Math.min(first + 1, cells - 1), at - first];
      });
    const columns = axis(w, width);
    const base = channel * size;
    let at = 0;
    for (const [top, bottom, down] of axis(h, height)) {
      const [above, below] = [base + top * w, base + bottom * w];
      for (let x = 0; x < width; x++) {
        const [left, right, across] = columns[x];
        const upper = codes[above + left] + (codes[above + right] - codes[above + left]) * across;
        const lower = codes[below + left] + (codes[below + right] - codes[below + left]) * across;
        pixels[at++] = colours[((upper + (lower - upper) * down) * (1023 / 255) + 0.5) | 0];
      }
    }
  }

  // As a CSS gradient, for the colour bar.
  const gradient = `linear-gradient(to right, ${Array.from({ length: 18 }, (_, i) => `rgb(${rgb(i * 15)})`).join(", ")})`;

  return { each, ends, veil, paint, paintSmooth, gradient };
}

// Stripes say that there is nothing to see, unlike any colour of a map.
export function hatch(g, x, y, width, height, ink, paper) {
  g.save();
  g.beginPath();
  g.rect(x, y, width, height);
  g.clip();
  g.fillStyle = paper;
  g.fillRect(x, y, width, height);
  g.strokeStyle = ink;
  g.lineWidth = 1;
  g.beginPath();
  for (let at = x - height; at < x + width; at += 5) {
    g.moveTo(at, y + height);
    g.lineTo(at + height, y);
  }
  g.stroke();
  g.restore();
}
