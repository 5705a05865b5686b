// Filters that read an image: a tile each, in colour or grey.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys } from "../shared/dom.js";
import { cellFor, isHigh, openTip, stripe } from "./drawing.js";
import { pictureOfFilter } from "./weights.js";

const [EDGE, TALL, WIDEST] = [4, 440, 128]; // room for the frame of the opened tile, in CSS pixels

export function openTiles(view, scene) {
  const { model } = view;
  let layout = null;
  let pictures = []; // of the filters, as they were needed
  const { canvas, repaint } = openCanvas(view, { class: "cw-tiles", tabindex: 0, role: "application" }, draw);
  const tip = openTip(canvas);
  const element = h("div", { class: "cw-tiles-frame" }, canvas, tip.element);

  // Tiles as large as they can be in a box of this width.
  function arrange(n, width, ratio) {
    const { h: tall, w: wide } = scene.maps;
    const gap = n > 400 ? 2 : 3;
    const room = (columns) => {
      const across = (width - 2 * EDGE + gap) / columns - gap;
      const down = (TALL - 2 * EDGE + gap) / Math.ceil(n / columns) - gap;
      return Math.min(across / wide, down / tall, WIDEST / Math.max(tall, wide));
    };
    let columns = Math.min(model.get("columns"), n);
    if (!columns) {
      columns = 1;
      for (let c = 2; c <= n; c++) if (room(c) >= room(columns)) columns = c; // a row rather than a column
    }
    const cell = cellFor(1, Math.max(room(columns), 0.1), ratio);
    const [tw, th] = [cell * wide, cell * tall];
    const box = (at) => [EDGE + (at % columns) * (tw + gap), EDGE + Math.floor(at / columns) * (th + gap)];
    return { columns, gap, cell, tw, th, box, height: Math.ceil(n / columns) * (th + gap) - gap + 2 * EDGE };
  }

  function draw(g, width, height, ratio) {
    const { maps, hover } = scene;
    const order = scene.order();
    if (!maps.n || !maps.isTiles) return;
    layout = arrange(order.length, width, ratio);
    if (!isHigh(canvas, layout.height, height)) return;
    const { tw, th } = layout;
    g.clearRect(0, 0, width, height);
    g.imageSmoothingEnabled = false;
    order.forEach((filter, at) => {
      const [x, y] = layout.box(at);
      if (Number.isNaN(maps.scales[filter])) return stripe(g, x, y, tw, th, view.colour("bar"));
      pictures[filter] ??= pictureOfFilter(maps, filter);
      g.drawImage(pictures[filter], x, y, tw, th);
    });
    const frame = (filter, colour, line) => {
      const at = order.indexOf(filter);
      const [x, y] = layout.box(at);
      g.strokeStyle = colour;
      g.lineWidth = line;
      if (at >= 0) g.strokeRect(x - line / 2, y - line / 2, tw + line, th + line);
    };
    if (hover) frame(hover.channel, view.colour("ink"), 1);
    frame(scene.opened(), view.colour("paper"), 4);
    frame(scene.opened(), view.colour("accent"), 3);
  }

  function cellAt([x, y]) {
    if (!layout) return null;
    const { columns, gap, cell, tw, th, box } = layout;
    const column = Math.floor((x - EDGE) / (tw + gap));
    const at = Math.floor((y - EDGE) / (th + gap)) * columns + column;
    const channel = scene.order()[at];
    if (x < EDGE || column >= columns || channel === undefined) return null;
    const [right, down] = [x - box(at)[0], y - box(at)[1]];
    return right < tw && down < th ? { channel, row: Math.floor(down / cell), column: Math.floor(right / cell) } : null;
  }

  view.listen(canvas, "pointermove", (event) => {
    const place = placeOf(event, canvas);
    const found = cellAt(place);
    scene.setHover(found);
    tip.show(place, found && `filter ${found.channel}`, found && scene.tell(found));
  });
  view.listen(canvas, "pointerleave", () => {
    scene.setHover(null);
    tip.show([0, 0], null);
  });
  view.listen(canvas, "click", (event) => {
    const found = cellAt(placeOf(event, canvas));
    if (found) scene.choose(found.channel);
  });

  const place = () => scene.order().indexOf(scene.opened());
  const go = (at) => scene.choose(scene.order()[clamp(at, 0, scene.order().length - 1)]);
  const down = (rows) => {
    const at = place() + rows * layout.columns;
    if (place() < 0) go(0);
    else if (at >= 0 && at < scene.order().length) go(at);
  };
  onKeys(
    canvas,
    {
      ArrowRight: () => go(place() + 1),
      ArrowLeft: () => go(place() - 1),
      ArrowDown: () => down(1),
      ArrowUp: () => down(-1),
      Home: () => go(0),
      End: () => go(Infinity),
      Enter: () => go(place()),
      Escape: () => scene.close(),
    },
    view.signal,
  );

  function refresh() {
    pictures = [];
    repaint();
  }
  return { element, canvas, repaint, refresh };
}
