// The colours of a heat map: a colour map between two ends, or one colour for each class.

import { bytesOf } from "../shared/bytes.js";

export const OTHER = "#8c8c8c"; // of all classes that the legend does not list

// A pixel of a canvas as one number: alpha, blue, green, red.
const pixel = (red, green, blue) => ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;

export function valueColours(model, heat) {
  const name = model.get("colormap");
  const diverging = model.get("_diverging").includes(name);
  const place = Math.max(0, model.get("_colormaps").indexOf(name));
  const lut = bytesOf(model.get("_luts")).subarray(place * 768, place * 768 + 768);
  const turned = (i) => 3 * (model.get("reverse") ? 255 - i : i);
  const rgb = (i) => [...lut.subarray(turned(i), turned(i) + 3)];
  const palette = Uint32Array.from({ length: 256 }, (_, i) => pixel(...rgb(i)));
  const ends = heat.ends(diverging);
  const [lo, hi] = ends ?? [0, 0];
  const scale = hi > lo ? 255 / (hi - lo) : 0;
  const flat = 128; // neither high nor low: there is nothing to compare with

  const index = (value) => (scale ? Math.min(255, Math.max(0, Math.floor((value - lo) * scale + 0.5))) : flat);
  const colour = (value) => palette[index(value)];
  const css = (i) => `rgb(${rgb(i).join(", ")})`;
  const steps = scale ? Array.from({ length: 18 }, (_, i) => css(i * 15)) : [css(flat), css(flat)];
  return { ends, colour, gradient: `linear-gradient(to right, ${steps.join(", ")})` };
}

export function classColours(model, heat) {
  const [slots, palette] = [model.get("_slots"), model.get("_palette")];
  const listed = new Set(heat.listed.map(({ index }) => index));
  const css = (index) => (listed.has(index) && palette[slots.indexOf(index)]) || OTHER;
  const all = new Map();
  for (const { index } of heat.ranking) all.set(index, fromHex(css(index)));
  return { ends: null, css, colour: (value) => all.get(value) ?? fromHex(OTHER) };
}

const fromHex = (text) => pixel(...[1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16)));
