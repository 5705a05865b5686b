// The map over its picture: what is drawn, and what pointer and keys do on it.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { paintHeat } from "./paint.js";

const FINE = 640; // longest side of what is interpolated, in pixels
const FAR = 8; // cells that an arrow key moves with Shift
const [TALLEST, FLATTEST] = [1.5, 1 / 16]; // height by width on the page, however long and thin the picture is
const CLOSE = 0.25; // opacity up to which the picture keeps some of its own colours

export function openMap(view, scene) {
  const { model } = view;
  const map = document.createElement("canvas");
  const grey = document.createElement("canvas");
  let old = true; // whether `map` must be painted again
  let pointer = null; // place of the pointer, as shares of the width and height: it outlives the cells under it
  const { canvas, repaint } = openCanvas(view, { class: "cw-heat-canvas", tabindex: 0, role: "application" }, draw);

  function paintMap(wide, tall) {
    const smooth = model.get("smooth") && !scene.heat.names.length;
    const part = smooth ? Math.min(1, FINE / Math.max(wide, tall)) : 1;
    const [width, height] = [wide, tall].map((side) => Math.max(1, Math.round(side * part)));
    if (!old && map.width === width && map.height === height) return;
    if (map.width !== width || map.height !== height) Object.assign(map, { width, height });
    const pixels = new ImageData(width, height);
    paintHeat(new Uint32Array(pixels.data.buffer), width, height, scene.heat, scene.colours, smooth);
    map.getContext("2d").putImageData(pixels, 0, 0);
    old = false;
  }

  function draw(g, width, height) {
    const { heat, picture } = scene;
    const opacity = model.get("opacity");
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    if (picture) {
      g.drawImage(picture, 0, 0, width, height);
      g.globalAlpha = Math.min(1, opacity / CLOSE);
      g.drawImage(grey, 0, 0, width, height);
      g.globalAlpha = opacity;
    } else {
      g.fillStyle = view.colour("shade");
      g.fillRect(0, 0, width, height);
    }
    if (heat.size) {
      paintMap(canvas.width, canvas.height);
      g.drawImage(map, 0, 0, width, height);
    }
    g.globalAlpha = 1;
    if (!heat.size) return;
    const chosen = model.get("position");
    if (chosen && chosen[0] < heat.h && chosen[1] < heat.w) frame(g, chosen, width, height, true);
    if (scene.hover) frame(g, scene.hover, width, height, false);
  }

  // A cell: a box, or a ring where cells are too small for one. White on a dark seam, so that it is seen on any colour.
  function frame(g, [row, column], width, height, chosen) {
    const { down, across } = scene.heat;
    const side = (axis, i, length) => [(axis.edges[i] / axis.length) * length, (axis.edges[i + 1] / axis.length) * length];
    const [top, bottom] = side(down, row, height);
    const [left, right] = side(across, column, width);
    const small = Math.min(right - left, bottom - top) < 6;
    const lines = chosen ? [["rgba(0, 0, 0, 0.7)", 5], ["#fff", 3], [view.colour("accent"), 1]] : [["rgba(0, 0, 0, 0.55)", 3], ["#fff", 1.5]];
    // inside the cell, so that it is not cut off at the border of the map; around one that it would hide
    const inner = chosen ? (Math.min(right - left, bottom - top) < 16 ? -1 : 2) : 1;
    g.beginPath();
    if (small) g.arc((left + right) / 2, (top + bottom) / 2, chosen ? 6 : 5, 0, 2 * Math.PI);
    else g.rect(left + inner, top + inner, right - left - 2 * inner, bottom - top - 2 * inner);
    for (const [colour, line] of lines) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.stroke();
    }
  }

  // Half a picture's memory is enough for its brightness.
  function readPicture() {
    const { picture } = scene;
    Object.assign(grey, { width: picture?.width ?? 0, height: picture?.height ?? 0 });
    if (!picture) return;
    const g = grey.getContext("2d");
    g.drawImage(picture, 0, 0);
    const pixels = g.getImageData(0, 0, grey.width, grey.height);
    const { data } = pixels;
    for (let i = 0; i < data.length; i += 4) data[i] = data[i + 1] = data[i + 2] = 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
    g.putImageData(pixels, 0, 0);
  }

  // -- pointer and keys --

  function cellUnder() {
    const { down, across, size } = scene.heat;
    if (!size || !pointer) return null;
    return [down.cellAt(pointer[1] * down.length), across.cellAt(pointer[0] * across.length)];
  }
  function point(event) {
    const [x, y] = event ? placeOf(event, canvas) : [-1, -1];
    const inside = x >= 0 && y >= 0 && x < canvas.clientWidth && y < canvas.clientHeight;
    pointer = inside ? [x / canvas.clientWidth, y / canvas.clientHeight] : null;
    scene.setHover(cellUnder());
  }
  view.listen(canvas, "pointermove", (event) => event.pointerType !== "touch" && point(event));
  view.listen(canvas, "pointerleave", () => point(null));
  view.listen(canvas, "click", (event) => {
    point(event);
    if (scene.hover) scene.choose(scene.hover);
    if (event.pointerType === "touch") point(null);
  });

  function move(event, down, right) {
    const { h, w, size } = scene.heat;
    if (!size) return;
    const chosen = model.get("position");
    const step = event.shiftKey ? FAR : 1;
    const [row, column] = chosen ?? scene.heat.extreme();
    scene.choose(chosen ? [clamp(row + down * step, 0, h - 1), clamp(column + right * step, 0, w - 1)] : [row, column]);
  }
  onKeys(
    canvas,
    {
      ArrowUp: (event) => move(event, -1, 0),
      ArrowDown: (event) => move(event, 1, 0),
      ArrowLeft: (event) => move(event, 0, -1),
      ArrowRight: (event) => move(event, 0, 1),
      Enter: () => scene.heat.size && scene.choose(scene.heat.extreme()),
      Escape: () => scene.choose(null),
    },
    view.signal,
  );

  function refresh() {
    const { down, across } = scene.heat;
    const high = clamp(down.length / across.length, FLATTEST, Infinity);
    canvas.style.aspectRatio = `${1 / high}`;
    canvas.style.width = `${Math.min(1, TALLEST / high) * 100}%`;
    old = true;
    scene.setHover(cellUnder());
    repaint();
  }
  return { canvas, repaint, refresh, readPicture };
}
