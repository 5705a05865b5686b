// The points as the kernel sent them, and their pictures.

import { bytesOf, floatsOf, pictureOf } from "../shared/bytes.js";

const NO_CLASS = "no class";

export const grouped = (n) => n.toLocaleString("en-US");
export const ascending = (a, b) => a - b;

export function readPoints(model) {
  const xy = floatsOf(model.get("_points"));
  const n = xy.length / 2;
  const sent = new Int16Array(bytesOf(model.get("_labels")).slice().buffer);
  const labels = sent.length === n ? sent : new Int16Array(n).fill(-1);
  return { n, xy, labels, frame: model.get("_frame"), firstAdded: model.get("_first_added") };
}

// Name of a class; digits are no words of their own.
export function className(names, index) {
  const name = names[index];
  if (name === undefined) return NO_CLASS;
  return /^\d+$/.test(name) ? `class ${name}` : name;
}

// Classes that have points, in order, with their counts; those without a class last.
export function countClasses({ labels }) {
  const counts = new Map();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const order = (label) => (label < 0 ? Infinity : label);
  return [...counts].map(([index, many]) => ({ index, many })).sort((a, b) => order(a.index) - order(b.index));
}

// Sheets of thumbnails, decoded beside; `onReady` when they can be drawn.
export function openThumbnails(view, name, onReady) {
  const { model } = view;
  let sheets = [];
  let layout = null;
  let without = null; // those that have none

  const closeAll = (pictures) => pictures.forEach((picture) => picture?.close());

  async function decode() {
    const bytes = model.get(`_${name}atlas`);
    const all = bytesOf(bytes);
    const wanted = model.get(`_${name}layout`);
    const cuts = all.length ? wanted.ends.map((end, i) => all.subarray(i ? wanted.ends[i - 1] : 0, end)) : [];
    const found = await Promise.all(cuts.map((cut) => pictureOf(cut, "")));
    // newer ones may have come meanwhile
    if (view.signal.aborted || bytes !== model.get(`_${name}atlas`)) return closeAll(found);
    closeAll(sheets);
    [sheets, layout, without] = [found, wanted, new Set(wanted.without)];
    onReady();
  }

  const sheetOf = (i) => sheets[Math.floor(i / (layout.columns * layout.rows))];

  // Draw the thumbnail of point `i` into a box, as large as it fits.
  function draw(g, i, x, y, side) {
    const { columns, rows, cell, tile } = layout;
    const on = i % (columns * rows);
    const [sx, sy] = [(on % columns) * cell[1], Math.floor(on / columns) * cell[0]];
    const scale = side / Math.max(...tile);
    const [w, h] = [tile[1] * scale, tile[0] * scale];
    g.imageSmoothingEnabled = !(Math.max(...tile) <= 32 && scale >= 2.5); // small ones are looked at pixel by pixel
    g.drawImage(sheetOf(i), sx, sy, tile[1], tile[0], x + (side - w) / 2, y + (side - h) / 2, w, h);
  }

  view.on([`_${name}atlas`, `_${name}layout`], view.eachFrame(decode));
  view.signal.addEventListener("abort", () => closeAll(sheets));
  decode();
  return { draw, some: () => sheets.some(Boolean), has: (i) => Boolean(layout && sheetOf(i)) && !without.has(i) };
}
