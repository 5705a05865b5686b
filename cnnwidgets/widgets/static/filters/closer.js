// One filter large, with its channels beside it; and the Gabor that fits it best.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { cellFor, isHigh, markCell, stripe } from "./drawing.js";
import { pictureOfFilter } from "./weights.js";

const LARGEST = 208; // CSS pixels
const [APART, BETWEEN, LETTER] = [12, 8, 18];
const COLOURS = ["R", "G", "B"];

export function openCloser(view, scene) {
  let boxes = []; // where the filter is drawn, as a whole and channel by channel
  const { canvas, repaint } = openCanvas(view, { class: "cw-closer", tabindex: 0, role: "application" }, draw);

  function arrangeBoxes(width, ratio) {
    const { h, w, isTiles, inputs } = scene.maps;
    const three = isTiles && inputs === 3;
    const side = Math.min(LARGEST, three ? ((width - APART - LETTER) * 3 + 2 * BETWEEN) / 4 : width);
    const cell = cellFor(Math.max(h, w), side, ratio);
    boxes = [{ x: 0, y: 0, width: w * cell, height: h * cell, cell, input: null }];
    if (scene.cell !== cell) {
      scene.cell = cell; // the Gabor is drawn as large
      scene.resized();
    }
    if (!three) return;
    const small = cellFor(Math.max(h, w), (Math.max(h, w) * cell - 2 * BETWEEN) / 3, ratio);
    for (const input of [0, 1, 2]) {
      const y = (input * (h * cell - h * small)) / 2; // as high as the whole
      boxes.push({ x: w * cell + APART, y, width: w * small, height: h * small, cell: small, input });
    }
  }

  function draw(g, width, height, ratio) {
    const { maps, hover } = scene;
    const channel = scene.opened();
    if (channel === null) return;
    arrangeBoxes(width, ratio);
    if (!isHigh(canvas, Math.max(...boxes.map((box) => box.y + box.height)), height)) return;
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = false;
    for (const box of boxes) {
      const input = box.input ?? scene.input();
      if (Number.isNaN(maps.scales[channel])) stripe(g, box.x, box.y, box.width, box.height, view.colour("bar"));
      else g.drawImage(pictureOfFilter(maps, channel, input), box.x, box.y, box.width, box.height);
      if (box.input === null) continue;
      g.font = `12px ${getComputedStyle(canvas).fontFamily}`;
      g.fillStyle = view.colour("soft");
      g.textBaseline = "middle";
      g.fillText(COLOURS[box.input], box.x + box.width + 6, box.y + box.height / 2);
    }
    if (!scene.isMine(hover) || maps.note(channel)) return;
    for (const { x, y, cell } of boxes) markCell(g, x + hover.column * cell, y + hover.row * cell, cell);
  }

  const cellOf = (row, column) => ({ channel: scene.opened(), input: scene.input(), row, column });

  view.listen(canvas, "pointermove", (event) => {
    const [x, y] = placeOf(event, canvas);
    const box = boxes.find((one) => x >= one.x && y >= one.y && x < one.x + one.width && y < one.y + one.height);
    scene.setHover(box ? cellOf(Math.floor((y - box.y) / box.cell), Math.floor((x - box.x) / box.cell)) : null);
  });
  for (const type of ["pointerleave", "blur"]) view.listen(canvas, type, () => scene.setHover(null));

  function step(down, right) {
    const { h, w } = scene.maps;
    const { row, column } = scene.hover ?? { row: (h - 1) >> 1, column: (w - 1) >> 1 };
    const cell = scene.hover ? cellOf(clamp(row + down, 0, h - 1), clamp(column + right, 0, w - 1)) : cellOf(row, column);
    scene.setHover(cell);
    view.say(scene.tell(cell));
  }
  onKeys(
    canvas,
    {
      ArrowUp: () => step(-1, 0),
      ArrowDown: () => step(1, 0),
      ArrowLeft: () => step(0, -1),
      ArrowRight: () => step(0, 1),
      Enter: () => step(0, 0),
      Escape: () => scene.close(),
    },
    view.signal,
  );
  return { canvas, repaint };
}

export function openGabor(view, scene) {
  const { canvas, repaint } = openCanvas(view, { class: "cw-gabor", role: "img" }, draw);

  function draw(g, width, height) {
    const { maps } = scene;
    const channel = scene.opened();
    if (channel === null || !scene.cell || !maps.fitted.length) return;
    const cell = Math.min(scene.cell, width / maps.w);
    if (!isHigh(canvas, maps.h * cell, height)) return;
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = false;
    g.drawImage(pictureOfFilter(maps, channel, scene.input(), maps.fitted), 0, 0, maps.w * cell, maps.h * cell);
  }
  return { canvas, repaint };
}
