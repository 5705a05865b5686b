// The shown tile as a whole picture, or as the whole image of it, with what the unit sees.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, onKeys } from "../shared/dom.js";
import { hatch } from "../grid/maps.js";
import { GREY } from "./images.js";

const STEEPEST = 1.5; // height by width

// `block` is null for the picture itself.
export function openWhole(view, scene, block) {
  const { canvas, repaint } = openCanvas(view, { class: "cw-blocks-whole", tabindex: 0, role: "application" }, draw);
  let fit = 0; // pixels of the page for one of the picture

  function draw(g, width, height) {
    const patch = scene.patches[scene.shown()];
    if (!patch?.picture) return g.clearRect(0, 0, width, height);
    const { picture } = patch;
    fit = Math.min(width / picture.width, (STEEPEST * width) / picture.height);
    if (Math.abs(picture.height * fit - height) >= 1) {
      const wanted = Math.round(picture.height * fit);
      canvas.style.height = `${wanted}px`; // another size calls back here
      if (Math.abs(wanted - height) > 1) return;
    }
    const area = [0, 0, picture.width * fit, picture.height * fit];
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = fit < 1.5;
    g.imageSmoothingQuality = "high";
    if (!block) g.drawImage(picture, ...area);
    else {
      const image = block().images[scene.shown()];
      if (!image) return;
      g.fillStyle = GREY;
      g.fillRect(...area);
      if (image.isBroken) hatch(g, ...area, view.colour("bar"), view.colour("paper"));
      const [top, left, bottom, right] = image.area;
      if (right > left && !image.isBroken) g.drawImage(image.pixels(scene.limit(block(), image)), left * fit, top * fit, (right - left) * fit, (bottom - top) * fit);
    }
    if (patch.known) frame(g, patch, picture);
    if (scene.pixel) cross(g, scene.pixel, area);
  }

  // What the unit sees: bright on a dark seam, so that it is seen on any picture; inside, lest it be cut off.
  function frame(g, { seen }, picture) {
    const [top, left, bottom, right] = seen;
    if (bottom <= top || right <= left) return;
    const start = (side) => Math.max(side * fit - 2, 1.5);
    const end = (side, length) => Math.min(side * fit + 2, length * fit - 1.5);
    const box = [start(left), start(top), end(right, picture.width) - start(left), end(bottom, picture.height) - start(top)];
    for (const [colour, line] of [["rgba(0, 0, 0, 0.55)", 3], [view.colour("accent"), 1.5]]) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.strokeRect(...box);
    }
  }

  function cross(g, [row, column], [, , width, height]) {
    const [x, y] = [(column + 0.5) * fit, (row + 0.5) * fit];
    const free = Math.max(fit / 2 + 2, 4);
    g.beginPath();
    for (const [x1, y1, x2, y2] of [[0, y, x - free, y], [x + free, y, width, y], [x, 0, x, y - free], [x, y + free, x, height]]) {
      g.moveTo(x1, y1);
      g.lineTo(x2, y2);
    }
    for (const [colour, line] of [["rgba(0, 0, 0, 0.5)", 2.5], ["#fff", 1]]) {
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.stroke();
    }
  }

  // -- the pixel under the pointer --

  function pixelAt([x, y]) {
    const picture = scene.patches[scene.shown()]?.picture;
    if (!picture || !fit) return null;
    const [row, column] = [Math.floor(y / fit), Math.floor(x / fit)];
    return row >= 0 && row < picture.height && column >= 0 && column < picture.width ? [row, column] : null;
  }
  view.listen(canvas, "pointermove", (event) => scene.read(pixelAt(placeOf(event, canvas))));
  view.listen(canvas, "pointerleave", () => scene.read(null));

  function move(down, right) {
    const patch = scene.patches[scene.shown()];
    if (!patch?.picture) return false;
    const { height, width } = patch.picture;
    const [top, left, bottom, far] = patch.seen;
    const [row, column] = scene.pixel ?? [(top + bottom) >> 1, (left + far) >> 1];
    scene.read([clamp(row + down, 0, height - 1), clamp(column + right, 0, width - 1)], true);
  }
  const by = (event) => (event.shiftKey ? 8 : 1);
  onKeys(
    canvas,
    {
      ArrowUp: (event) => move(-by(event), 0),
      ArrowDown: (event) => move(by(event), 0),
      ArrowLeft: (event) => move(0, -by(event)),
      ArrowRight: (event) => move(0, by(event)),
      Escape: () => scene.read(null),
    },
    view.signal,
  );
  return { canvas, repaint };
}
