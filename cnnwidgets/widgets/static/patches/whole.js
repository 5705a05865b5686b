// The whole picture that a patch comes from, with what the unit sees of it, and the activation map over it.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { hatch } from "../grid/maps.js";

const WHOLE_HEIGHT = 400;

export function openWhole(view, scene) {
  const { model } = view;
  const map = document.createElement("canvas");
  let old = true; // whether `map` must be painted again
  let area = null; // what the picture covers of the canvas
  const { canvas, repaint } = openCanvas(view, { class: "cw-patches-whole", tabindex: 0, role: "application" }, draw);

  function paintMap() {
    const { h, w } = scene.maps;
    Object.assign(map, { width: w, height: h });
    const pixels = new ImageData(w, h);
    scene.colours.paint(new Uint32Array(pixels.data.buffer), 0, w, 0, scene.colours.veil(model.get("opacity")));
    map.getContext("2d").putImageData(pixels, 0, 0);
    old = false;
  }

  function draw(g, width, height) {
    const patch = scene.patches[scene.shown()];
    if (!patch?.picture) return;
    const { picture } = patch;
    const [above, left, below, right] = scene.room;
    const [wide, tall] = [picture.width * (1 + left + right), picture.height * (1 + above + below)];
    const fit = Math.min(width / wide, WHOLE_HEIGHT / tall);
    if (Math.abs(tall * fit - height) >= 1) {
      canvas.style.height = `${Math.round(tall * fit)}px`; // another size calls back here
      if (Math.abs(Math.round(tall * fit) - height) > 1) return;
    }
    const [x, y] = [left * picture.width * fit, above * picture.height * fit];
    area = { x, y, fit, width: picture.width * fit, height: picture.height * fit, right: wide * fit, bottom: tall * fit };
    g.clearRect(0, 0, width, height);
    g.fillStyle = view.colour("shade"); // room for what boxes hold beside the picture
    g.globalAlpha = 0.5;
    g.fillRect(0, 0, area.right, area.bottom);
    g.globalAlpha = 1;
    padding(g, patch.box);
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    g.drawImage(picture, x, y, area.width, area.height);
    if (scene.mapped()) {
      if (Number.isNaN(scene.maps.lo(0))) {
        g.globalAlpha = 0.8;
        hatch(g, x, y, area.width, area.height, view.colour("bar"), view.colour("paper"));
        g.globalAlpha = 1;
      } else {
        if (old) paintMap();
        g.imageSmoothingEnabled = false;
        g.drawImage(map, x, y, area.width, area.height);
      }
    }
    frame(g, patch);
    if (scene.mapped()) marks(g);
  }

  const onCanvas = ([top, left, bottom, right]) => [
    area.x + left * area.fit,
    area.y + top * area.fit,
    (right - left) * area.fit,
    (bottom - top) * area.fit,
  ];

  // What the box holds beside the picture, hatched as in the tiles.
  function padding(g, box) {
    const [x, y, width, height] = onCanvas(box);
    g.save();
    g.beginPath();
    g.rect(0, 0, area.right, area.bottom);
    g.clip();
    hatch(g, x, y, width, height, view.colour("bar"), view.colour("paper"));
    g.restore();
  }

  function frame(g, { box, seen }) {
    const accent = view.colour("accent");
    if (box.some((side, i) => side !== seen[i])) {
      g.setLineDash([5, 4]);
      g.strokeStyle = accent;
      g.lineWidth = 1.5;
      const [x, y, width, height] = onCanvas(box);
      const [left, right] = outer(x, x + width, area.right);
      const [top, bottom] = outer(y, y + height, area.bottom);
      g.strokeRect(left, top, right - left, bottom - top);
      g.setLineDash([]);
    }
    if (seen[2] > seen[0] && seen[3] > seen[1]) outline(g, around(onCanvas(seen), 4), accent, 2);
  }

  // Where lines around a box are; those of a box that just fits stay on the canvas.
  function outer(start, end, room) {
    return [start > -1 ? Math.max(start - 2, 1) : start - 2, end < room + 1 ? Math.min(end + 2, room - 1) : end + 2];
  }

  // A box around another, so that a small field is not covered by its own frame; no further than the canvas.
  function around([x, y, width, height], by) {
    const [left, top] = [Math.max(x - by, 0), Math.max(y - by, 0)];
    return [left, top, Math.min(x + width + by, area.right) - left, Math.min(y + height + by, area.bottom) - top];
  }

  function marks(g) {
    const { h, w, size } = scene.maps;
    if (size === 1) return;
    const [cw, ch] = [area.width / w, area.height / h];
    if (Math.min(cw, ch) < 3) return;
    const cell = ([row, column]) => [area.x + column * cw, area.y + row * ch, cw, ch];
    const [own, read] = [model.get("_cell"), scene.cell];
    if (own.length) outline(g, cell(own), "#fff", 1.5);
    if (read) outline(g, cell(read), view.colour("accent"), 1.5);
  }

  // Bright on a dark seam, so that it is seen on any picture; inside its box, so that it is not cut off at the border.
  function outline(g, [x, y, width, height], colour, thick) {
    const box = [x + thick, y + thick, Math.max(width - 2 * thick, 1), Math.max(height - 2 * thick, 1)];
    for (const [stroke, line] of [["rgba(0, 0, 0, 0.55)", thick + 1.5], [colour, thick]]) {
      g.strokeStyle = stroke;
      g.lineWidth = line;
      g.strokeRect(...box);
    }
  }

  // -- the map's cell under the pointer --

  function cellAt([x, y]) {
    if (!scene.mapped() || !area) return null;
    const { h, w } = scene.maps;
    const [row, column] = [Math.floor(((y - area.y) / area.height) * h), Math.floor(((x - area.x) / area.width) * w)];
    return row >= 0 && row < h && column >= 0 && column < w ? [row, column] : null;
  }

  view.listen(canvas, "pointermove", (event) => scene.read(cellAt(placeOf(event, canvas))));
  view.listen(canvas, "pointerleave", () => scene.read(null));

  function move(down, right) {
    if (!scene.mapped()) return false;
    const { h, w } = scene.maps;
    const [row, column] = scene.cell ?? scene.maps.strongest(0);
    scene.read([clamp(row + down, 0, h - 1), clamp(column + right, 0, w - 1)], true);
  }
  onKeys(
    canvas,
    {
      ArrowUp: () => move(-1, 0),
      ArrowDown: () => move(1, 0),
      ArrowLeft: () => move(0, -1),
      ArrowRight: () => move(0, 1),
      Enter: () => (scene.mapped() ? scene.read(scene.maps.strongest(0), true) : scene.choose(scene.shown())),
      Escape: () => scene.choose(null),
    },
    view.signal,
  );

  return {
    canvas,
    repaint,
    refresh() {
      old = true;
      repaint();
    },
  };
}
