// One channel large, over the picture.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { hatch } from "./maps.js";

const DETAIL_HEIGHT = 360;
const FINE = 256; // longest side of an interpolated map, in pixels

export function openDetail(view, scene) {
  const { model } = view;
  const map = document.createElement("canvas");
  let old = true; // whether `map` must be painted again
  let area = { width: 1, height: 1 }; // what the picture covers of the canvas
  const { canvas, repaint } = openCanvas(view, { class: "cw-detail-canvas", tabindex: 0, role: "application" }, draw);

  function paintMap() {
    const { h, w } = scene.maps;
    const channel = model.get("channel");
    const fine = model.get("smooth") ? Math.max(1, FINE / Math.max(h, w)) : 1;
    Object.assign(map, { width: Math.round(w * fine), height: Math.round(h * fine) });
    const pixels = new ImageData(map.width, map.height);
    const buffer = new Uint32Array(pixels.data.buffer);
    const table = scene.picture ? scene.colours.veil(model.get("opacity")) : undefined;
    if (fine > 1) scene.colours.paintSmooth(buffer, map.height, map.width, channel, table);
    else scene.colours.paint(buffer, 0, map.width, channel, table);
    map.getContext("2d").putImageData(pixels, 0, 0);
    old = false;
  }

  function draw(g, width, height) {
    const { maps, picture } = scene;
    if (!maps.n) return;
    const [tall, wide] = picture ? [picture.height, picture.width] : [maps.h, maps.w];
    const fit = Math.min(width / wide, DETAIL_HEIGHT / tall);
    area = { width: wide * fit, height: tall * fit };
    if (Math.abs(area.height - height) >= 1) {
      canvas.style.height = `${Math.round(area.height)}px`; // another size calls back here
      if (Math.abs(Math.round(area.height) - height) > 1) return;
    }
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    if (picture) g.drawImage(picture, 0, 0, area.width, area.height);
    if (Number.isNaN(maps.lo(model.get("channel")))) {
      g.globalAlpha = picture ? 0.8 : 1;
      hatch(g, 0, 0, area.width, area.height, view.colour("bar"), view.colour("paper"));
    } else if (maps.size > 1 || !picture) {
      if (old) paintMap();
      g.imageSmoothingEnabled = model.get("smooth");
      g.drawImage(map, 0, 0, area.width, area.height);
    }
    g.globalAlpha = 1;
    const chosen = model.get("position");
    const { hover } = scene;
    if (chosen) mark(g, chosen[0], chosen[1], view.colour("accent"), !hover);
    if (hover) mark(g, hover.row, hover.column, "#fff", true);
  }

  // A cell, and the pixels that it sees.
  function mark(g, row, column, colour, sees) {
    const { h, w, size } = scene.maps;
    if (size === 1) return;
    const [cw, ch] = [area.width / w, area.height / h];
    if (Math.min(cw, ch) >= 3) line(g, column * cw, row * ch, cw, ch, colour, 1.5);
    const seen = sees ? scene.seen(row, column) : null;
    if (seen) {
      const [x, y] = [area.width / scene.picture.width, area.height / scene.picture.height];
      g.setLineDash([5, 4]);
      line(g, seen.left * x, seen.top * y, (seen.right - seen.left) * x, (seen.bottom - seen.top) * y, colour, 1.5);
      g.setLineDash([]);
    }
  }

  // Bright on a dark seam, so that it is seen on any picture; inside its box, so that it is not cut off at the border.
  function line(g, x, y, width, height, colour, thick) {
    const box = [x + thick, y + thick, Math.max(width - 2 * thick, 1), Math.max(height - 2 * thick, 1)];
    g.strokeStyle = "rgba(0, 0, 0, 0.55)";
    g.lineWidth = thick + 1.5;
    g.strokeRect(...box);
    g.strokeStyle = colour;
    g.lineWidth = thick;
    g.strokeRect(...box);
  }

  function cellAt([x, y]) {
    if (x < 0 || y < 0 || x >= area.width || y >= area.height) return null;
    const { h, w } = scene.maps;
    return {
      channel: model.get("channel"),
      row: Math.floor((y / area.height) * h),
      column: Math.floor((x / area.width) * w),
    };
  }

  view.listen(canvas, "pointermove", (event) => scene.setHover(cellAt(placeOf(event, canvas))));
  view.listen(canvas, "pointerleave", () => scene.setHover(null));
  view.listen(canvas, "click", (event) => {
    const cell = cellAt(placeOf(event, canvas));
    if (cell) scene.choose(cell.channel, [cell.row, cell.column]);
  });

  function move(down, right) {
    const { h, w } = scene.maps;
    const channel = model.get("channel");
    const [row, column] = model.get("position") ?? scene.maps.strongest(channel);
    scene.choose(channel, [clamp(row + down, 0, h - 1), clamp(column + right, 0, w - 1)]);
  }
  onKeys(
    canvas,
    {
      ArrowUp: () => move(-1, 0),
      ArrowDown: () => move(1, 0),
      ArrowLeft: () => move(0, -1),
      ArrowRight: () => move(0, 1),
      Enter: () => scene.choose(model.get("channel"), scene.maps.strongest(model.get("channel"))),
      Escape: () => scene.choose(model.get("channel"), null),
    },
    view.signal,
  );

  function refresh() {
    old = true;
    repaint();
  }
  view.on(["channel", "smooth", "opacity"], refresh);
  return { canvas, repaint, refresh };
}
