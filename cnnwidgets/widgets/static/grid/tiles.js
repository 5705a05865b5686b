// All channels as tiles on one canvas.

import { openCanvas, placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys } from "../shared/dom.js";
import { onGestures } from "./gestures.js";
import { MARGIN, arrange, openZoom } from "./layout.js";
import { hatch } from "./maps.js";

const TILES_HEIGHT = 440;

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
    const [ink, paper, seam] = [view.colour("bar"), view.colour("paper"), view.colour("line")];
    g.scale(ratio, ratio);
    g.imageSmoothingEnabled = tw * ratio < columns; // only where several cells share a pixel
    order().forEach((channel, at) => {
      const [x, y] = boxOf(at);
      if (x > width || y > height || x + tw < 0 || y + th < 0) return;
      if (Number.isNaN(scene.maps.lo(channel))) return hatch(g, x, y, tw, th, ink, paper);
      if (layout.gap >= 2) {
        // a hair line, so that a black tile is seen on a dark page and a white one on a white page
        g.fillStyle = seam;
        g.fillRect(x - 1 / ratio, y - 1 / ratio, tw + 2 / ratio, th + 2 / ratio);
      }
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
    const below = y + 18 + tip.offsetHeight > canvas.clientHeight ? y - 10 - tip.offsetHeight : y + 14;
    tip.style.transform = `translate(${Math.max(0, right)}px, ${below}px)`;
  }

  function scaled() {
    old = true;
    canvas.style.touchAction = zoom.k > 1 ? "none" : "pan-x pan-y"; // one finger scrolls the page, until zoomed
    repaint();
  }

  const reset = () => {
    zoom.reset();
    scaled();
  };

  onGestures(view, canvas, zoom, {
    zoomed: scaled,
    reset,
    hover: point,
    leave() {
      tip.hidden = true;
      scene.setHover(null);
    },
    click(place) {
      const cell = cellAt(place);
      if (cell) scene.choose(cell.channel, [cell.row, cell.column]);
    },
  });

  // -- keys --

  const magnify = (factor) => {
    const [x, y] = layout && place() >= 0 ? boxOf(place()) : [0, 0];
    zoom.by(factor, x + (layout.tw * zoom.k) / 2, y + (layout.th * zoom.k) / 2, [canvas.clientWidth, canvas.clientHeight]);
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
