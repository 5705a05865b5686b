// The values of a heat map as the kernel sent them, as values or as drops, and what the colour bar reaches over.

import { bytesOf, floatsOf } from "../shared/bytes.js";
import { number } from "../shared/dom.js";
import { latticeOf } from "./lattice.js";

const NOISE = 1e-6; // values that differ by no more than this share of their size are the same, up to rounding
const LISTED = 8; // classes that the legend lists

export function readHeat(model) {
  const raw = floatsOf(model.get("_values"));
  let [h, w] = model.get("_shape");
  if (!raw.length || raw.length < h * w) h = w = 0;
  const size = h * w;
  const marks = bytesOf(model.get("_known"));
  const names = model.get("names");
  const baseline = model.get("baseline") ?? null;
  const drops = model.get("view") === "drop" && baseline !== null && !names.length;
  const shown = drops ? raw.map((value) => baseline - value) : raw;
  const [rows, columns] = [model.get("_rows"), model.get("_columns")];
  const [tall, wide] = model.get("_picture_size");
  const covered = (given, n) => (given.length ? Math.round(given[0] + given[given.length - 1]) + 1 : n);
  const down = latticeOf(rows, h, tall || covered(rows, h) || 1);
  const across = latticeOf(columns, w, wide || covered(columns, w) || 1);

  const has = (i) => (marks.length ? marks[i] > 0 : !Number.isNaN(raw[i]));
  const solid = new Uint8Array(size); // known and finite: may be drawn smoothly with its neighbours
  const data = { lo: Infinity, hi: -Infinity };
  let known = 0;
  let biggest = Math.abs(baseline ?? 0);
  let least = -1;
  let most = -1;
  for (let i = 0; i < size; i++) {
    if (has(i)) known++;
    const value = shown[i];
    if (!Number.isFinite(value)) continue;
    solid[i] = has(i) ? 1 : 0;
    if (value < data.lo) [data.lo, least] = [value, i];
    if (value > data.hi) [data.hi, most] = [value, i];
    biggest = Math.max(biggest, Math.abs(raw[i]));
  }
  // As many decimals for all, so that they can be compared, and do not dance under the pointer.
  const decimals = 3 - Math.ceil(Math.log10(biggest) - 1e-6);
  function told(value) {
    if (!(decimals >= -3 && decimals <= 7) || !Number.isFinite(value)) return number(value);
    const format = { minimumFractionDigits: Math.max(0, decimals), maximumFractionDigits: Math.max(0, decimals) };
    return value.toLocaleString("en-US", format).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
  }
  const noise = NOISE * biggest;
  const some = least >= 0;
  const flat = some && data.hi - data.lo <= noise;

  // Values at the ends of the colour bar: equal where everything is the same, null where nothing is known.
  function ends(diverging) {
    let [low, high] = [model.get("low") ?? null, model.get("high") ?? null];
    if (drops) [low, high] = [high, low].map((end) => (end === null ? null : baseline - end));
    if (!some && (low === null || high === null)) return null;
    const mark = drops ? 0 : baseline;
    const every = [...(some ? [data.lo, data.hi] : []), ...(mark === null ? [] : [mark])];
    let lo = low ?? Math.min(...every);
    let hi = high ?? Math.max(...every);
    const wanted = model.get("least");
    if (low === null && high === null) {
      if (diverging) {
        hi = Math.max(Math.abs(lo), Math.abs(hi), wanted / 2);
        return [-hi, hi];
      }
      if (hi - lo < wanted) {
        let start = (lo + hi - wanted) / 2;
        if (model.get("unit") === "probability" && !drops) start = Math.min(start, 1 - wanted);
        if (lo >= 0) start = Math.max(start, 0); // what cannot be negative gets no negative numbers on its bar
        return [start, start + wanted];
      }
      if (hi - lo <= noise) return [lo, lo];
    } else if (low === null) lo = Math.min(lo, high - wanted);
    else if (high === null) hi = Math.max(hi, low + wanted);
    return [lo, Math.max(lo, hi)];
  }

  // Classes of the known cells with their share, most frequent first.
  function ranked() {
    const counts = new Map();
    let total = 0;
    for (let i = 0; i < size; i++) {
      if (!Number.isFinite(raw[i]) || (known && !has(i))) continue;
      counts.set(raw[i], (counts.get(raw[i]) ?? 0) + 1);
      total++;
    }
    return [...counts].map(([index, count]) => ({ index, share: count / total })).sort((a, b) => b.share - a.share || a.index - b.index);
  }
  const ranking = names.length ? ranked() : [];

  const at = (row, column) => row * w + column;
  // The cell that tells most: where the value moves furthest from the baseline, or is highest.
  function extreme() {
    let best = most;
    if (baseline !== null && !names.length) {
      const far = (i) => (Number.isFinite(raw[i]) ? Math.abs(raw[i] - baseline) : -1);
      best = 0;
      for (let i = 1; i < size; i++) if (far(i) > far(best)) best = i;
    }
    best = Math.max(best, 0);
    return [Math.floor(best / w), best % w];
  }

  return {
    h, w, size, raw, shown, solid, down, across, names, baseline, drops, known, some, flat, data, ends, extreme, has, at, told,
    ranking, listed: ranking.slice(0, LISTED), whole: solid.every((one) => one),
  };
}
