// All channels as tiles on one canvas.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys } from "../shared/dom.js";
import { MARGIN, arrange, openZoom } from "./layout.js";
import { hatch } from "./maps.js";

const TILES_HEIGHT = 440;
const CLICK = 4; // pixels that a hand may move between press and release

export function openTiles(view, scene) {
  const { model } = view;
  const zoom = openZoom();
  const sheet = document.createElement("canvas"); // every map once, a pixel a cell
  const still = document.createElement("canvas"); // the tiles as they are on the screen, without marks
  let across = 1; // maps in a row of the sheet
  let pixels = null;
  let layout = null;
  let old = true; // whether `still` must be drawn again
  const { canvas, repaint } = openCanvas(view, { class: "cw-tiles", tabindex: 0, role: "application" }, draw);
  const tip = h("div", { class: "cw-tip", "aria-hidden": "true", hidden: true });
  const element = h("div", { class: "cw-tiles-frame" }, canvas, tip);

  const order = () => model.get("order");
  const place = () => order().indexOf(model.get("channel"));

  function paintSheet() {
    const { n, h: height, w: width } = scene.maps;
    across = Math.max(1, Math.ceil(Math.sqrt((n * height) / Math.max(width, 1))));
    const [w, tall] = [across * width, Math.ceil(n / across) * height];
    if (sheet.width !== w || sheet.height !== tall || !pixels) {
      Object.assign(sheet, { width: Math.max(w, 1), height: Math.max(tall, 1) });
      pixels = new ImageData(sheet.width, sheet.height);
    }
    const buffer = new Uint32Array(pixels.data.buffer);
    for (let channel = 0; channel < n; channel++) {
      const start = Math.floor(channel / across) * height * sheet.width + (channel % across) * width;
      scene.colours.paint(buffer, start, sheet.width, channel);
    }
    sheet.getContext("2d").putImageData(pixels, 0, 0);
  }

  function drawStill(width, height, ratio) {
    Object.assign(still, { width: canvas.width, height: canvas.height });
    const g = still.getContext("2d");
    const { h: rows, w: columns } = scene.maps;
    const [tw, th] = [layout.tw * zoom.k, layout.th * zoom.k];
    const [ink, paper] = [view.colour("bar"), view.colour("paper")];
    g.scale(ratio, ratio);
    g.imageSmoothingEnabled = tw * ratio < columns; // only where several cells share a pixel
    order().forEach((channel, at) => {
      const [x, y] = boxOf(at);
      if (x > width || y > height || x + tw < 0 || y + th < 0) return;
      if (Number.isNaN(scene.maps.lo(channel))) return hatch(g, x, y, tw, th, ink, paper);
      const [sx, sy] = [(channel % across) * columns, Math.floor(channel / across) * rows];
      g.drawImage(sheet, sx, sy, columns, rows, x, y, tw, th);
    });
    old = false;
  }

  const boxOf = (at) => {
    const [x, y] = layout.box(at);
    return [x * zoom.k + zoom.x, y * zoom.k + zoom.y];
  };

  function draw(g, width, height, ratio) {
    const { n, h: rows, w: columns } = scene.maps;
    canvas.hidden = !n;
    if (!n) return;
    const key = [order().length, rows, columns, width, model.get("columns"), ratio].join();
    if (layout?.key !== key) {
      layout = { ...arrange(order().length, rows, columns, width, TILES_HEIGHT, model.get("columns"), ratio), key };
      old = true;
      canvas.style.height = `${Math.ceil(layout.height)}px`; // another size calls back here
      if (Math.abs(Math.ceil(layout.height) - height) > 1) return;
    }
    if (old || still.width !== canvas.width || still.height !== canvas.height) drawStill(width, height, ratio);
    g.clearRect(0, 0, width, height);
    g.drawImage(still, 0, 0, width, height);
    const frame = (at, colour, line) => {
      const [x, y] = boxOf(at);
      g.strokeStyle = colour;
      g.lineWidth = line;
      g.strokeRect(x - line / 2, y - line / 2, layout.tw * zoom.k + line, layout.th * zoom.k + line);
    };
    const { hover } = scene;
    const at = hover ? order().indexOf(hover.channel) : -1;
    if (at >= 0) {
      frame(at, view.colour("soft"), 1);
      const [x, y] = boxOf(at);
      const [cw, ch] = [(layout.tw * zoom.k) / columns, (layout.th * zoom.k) / rows];
      if (Math.min(cw, ch) >= 3 && rows * columns > 1) {
        g.strokeStyle = "#fff";
        g.lineWidth = 1;
        g.strokeRect(x + hover.column * cw + 0.5, y + hover.row * ch + 0.5, cw - 1, ch - 1);
      }
    }
    if (place() >= 0) {
      const line = layout.tw * zoom.k < 20 ? 2 : 3;
      frame(place(), view.colour("paper"), line + 1);
      frame(place(), view.colour("accent"), line);
    }
  }

  // The cell under a place of the canvas; null between tiles.
  function cellAt([x, y]) {
    if (!layout) return null;
    const [left, top] = [(x - zoom.x) / zoom.k - MARGIN, (y - zoom.y) / zoom.k - MARGIN];
    const column = Math.floor(left / (layout.tw + layout.gap));
    const at = Math.floor(top / (layout.th + layout.gap)) * layout.columns + column;
    const channel = order()[at];
    if (left < 0 || top < 0 || column >= layout.columns || channel === undefined) return null;
    const [dx, dy] = [left + MARGIN - layout.box(at)[0], top + MARGIN - layout.box(at)[1]];
    if (dx >= layout.tw || dy >= layout.th) return null;
    const { h: rows, w: columns } = scene.maps;
    return { channel, row: Math.floor((dy / layout.th) * rows), column: Math.floor((dx / layout.tw) * columns) };
  }

  function point(event) {
    const [x, y] = placeOf(event, canvas);
    const cell = cellAt([x, y]);
    scene.setHover(cell);
    tip.hidden = !cell;
    if (!cell) return;
    tip.replaceChildren(h("b", {}, `channel ${cell.channel}`), ` ${scene.tell(cell)}`);
    const right = x + 14 + tip.offsetWidth > canvas.clientWidth ? x - 14 - tip.offsetWidth : x + 14;
    tip.style.transform = `translate(${Math.max(0, right)}px, ${y + 14}px)`;
  }

  // -- pointer: hover, click, drag when zoomed, pinch --

  const fingers = new Map();
  let moved = 0;

  function scaled() {
    old = true;
    canvas.style.touchAction = zoom.k > 1 ? "none" : "pan-x pan-y";
    repaint();
  }

  view.listen(canvas, "pointerdown", (event) => {
    if (event.button) return;
    fingers.set(event.pointerId, placeOf(event, canvas));
    canvas.setPointerCapture(event.pointerId);
    moved = fingers.size > 1 ? Infinity : 0;
  });
  view.listen(canvas, "pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return point(event);
    const now = placeOf(event, canvas);
    fingers.set(event.pointerId, now);
    const [dx, dy] = [now[0] - before[0], now[1] - before[1]];
    if (fingers.size === 2) {
      const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]) || 1;
      zoom.by(apart(now, other) / apart(before, other), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2, box());
      return scaled();
    }
    moved += Math.hypot(dx, dy);
    if (zoom.k === 1 || moved <= CLICK) return;
    zoom.pan(dx, dy);
    tip.hidden = true;
    scaled();
  });
  view.listen(canvas, "pointerup", (event) => {
    if (!fingers.delete(event.pointerId) || moved > CLICK) return;
    const cell = cellAt(placeOf(event, canvas));
    if (cell) scene.choose(cell.channel, [cell.row, cell.column]);
  });
  view.listen(canvas, "pointercancel", (event) => fingers.delete(event.pointerId));
  view.listen(canvas, "pointerleave", () => {
    tip.hidden = true;
    scene.setHover(null);
  });
  view.listen(canvas, "dblclick", () => reset());

  // A notebook is scrolled over: the wheel zooms only where the tiles were clicked before, or with Ctrl (or a pinch).
  const zooms = (event) => event.ctrlKey || (document.activeElement === canvas && (zoom.k > 1 || event.deltaY < 0));
  view.listen(
    canvas,
    "wheel",
    (event) => {
      if (!zooms(event)) return;
      event.preventDefault();
      event.stopPropagation();
      const speed = event.deltaMode ? 0.05 : event.ctrlKey ? 0.01 : 0.002;
      zoom.by(Math.exp(-event.deltaY * speed), ...placeOf(event, canvas), box());
      scaled();
      point(event);
    },
    { passive: false },
  );

  // -- keys --

  const box = () => [canvas.clientWidth, canvas.clientHeight];
  const magnify = (factor) => {
    const [x, y] = layout && place() >= 0 ? boxOf(place()) : [0, 0];
    zoom.by(factor, x + (layout.tw * zoom.k) / 2, y + (layout.th * zoom.k) / 2, box());
    scaled();
  };
  const reset = () => {
    zoom.reset();
    scaled();
  };
  const go = (at) => scene.choose(order()[clamp(at, 0, order().length - 1)]);
  const row = (by) => {
    const at = place() + by * layout.columns;
    if (at >= 0 && at < order().length) go(at);
  };
  onKeys(
    canvas,
    {
      ArrowRight: () => go(place() + 1),
      ArrowLeft: () => go(place() - 1),
      ArrowDown: () => row(1),
      ArrowUp: () => row(-1),
      Home: () => go(0),
      End: () => go(Infinity),
      Enter: () => scene.choose(model.get("channel"), scene.maps.strongest(model.get("channel"))),
      "+": () => magnify(1.5),
      "=": () => magnify(1.5),
      "-": () => magnify(1 / 1.5),
      0: reset,
    },
    view.signal,
  );

  view.onTheme(() => {
    old = true;
  });
  view.on("channel", () => {
    if (zoom.k > 1 && layout && place() >= 0) {
      const before = [zoom.x, zoom.y];
      zoom.into(layout.box(place()), [layout.tw, layout.th]);
      if (before[0] !== zoom.x || before[1] !== zoom.y) old = true;
    }
    repaint();
  });

  return {
    element,
    canvas,
    repaint,
    // after new maps, other colours or another order
    refresh(newMaps) {
      if (newMaps) zoom.reset();
      paintSheet();
      scaled();
    },
    rearrange() {
      scaled();
    },
  };
}
