// The panels as the kernel sent them: texts, and values that are only read again when they have changed.

import { floatsOf } from "../shared/bytes.js";
import { limitOf } from "./limit.js";

export function readPanels(model, before) {
  const known = new Map(before.map((panel) => [panel.key, panel]));
  return model.get("_panels").map((told) => {
    const bytes = model.get(`_slot_${told.slot}`);
    const old = known.get(told.key);
    const same = old?.bytes === bytes && old.kind === told.kind && String(old.shape) === String(told.shape);
    return { ...told, bytes, numbers: same ? old.numbers : numbersOf(told, bytes) };
  });
}

// null as long as there are none
function numbersOf({ kind, shape }, bytes) {
  const all = floatsOf(bytes);
  const [h, w] = shape.slice(-2);
  if (!all.length || all.length !== shape.reduce((product, side) => product * side, 1)) return null;
  const channels = Array.from({ length: all.length / (h * w) }, (_, i) => all.subarray(i * h * w, (i + 1) * h * w));
  const plane = channels.length > 1 && kind !== "colour" ? planeOf(channels, kind) : null;
  const drawn = plane ?? all;
  const ends = [Infinity, -Infinity];
  for (const value of drawn) {
    if (!Number.isFinite(value)) continue;
    if (value < ends[0]) ends[0] = value;
    if (value > ends[1]) ends[1] = value;
  }
  let [clipped, end] = [NaN, 0];
  const limit = (clip) => {
    if (clip !== clipped) [clipped, end] = [clip, limitOf(drawn, clip, kind === "heat")];
    return end;
  };
  return { h, w, channels, planes: plane ? [plane] : channels, ends, limit };
}

// One value for each place: of channels the largest magnitude, or their sum.
function planeOf(channels, kind) {
  const [red, green, blue] = channels;
  const join = kind === "heat" ? (a, b, c) => Math.max(Math.abs(a), Math.abs(b), Math.abs(c)) : (a, b, c) => a + b + c;
  return red.map((value, i) => join(value, green[i], blue[i]));
}

// The value of a map at a place given as shares of its height and width, as it is drawn there.
export function valueAt(plane, { h, w }, [down, across], smooth) {
  if (!smooth) return plane[Math.floor(down * h) * w + Math.floor(across * w)];
  const side = (share, n) => {
    const place = Math.min(Math.max(share * n - 0.5, 0), n - 1);
    const first = Math.min(Math.floor(place + 1e-6), n - 1);
    return [first, Math.min(first + 1, n - 1), Math.max(0, place - first)];
  };
  const [above, below, lower] = side(down, h);
  const [left, right, later] = side(across, w);
  const along = (row) => mix(plane[row * w + left], plane[row * w + right], later);
  const value = mix(along(above), along(below), lower);
  return Number.isFinite(value) ? value : valueAt(plane, { h, w }, [down, across], false);
}

// a neighbour that counts for nothing may be NaN
const mix = (a, b, share) => (share < 1e-6 ? a : a + (b - a) * share);
