// One picture and what several methods say about it: panels of one size, read at the same pixel.

import { bytesOf } from "./shared/bytes.js";
import { placeOf } from "./shared/canvas.js";
import { clamp, h, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openControls } from "./attribution/controls.js";
import { gradientOf, GREYS, paletteOf } from "./attribution/paint.js";
import { openPicture } from "./attribution/picture.js";
import { readPanels } from "./attribution/read.js";
import { openTile } from "./attribution/tile.js";

const FAR = 8; // pixels that an arrow key moves with Shift

function render({ model, el }) {
  const view = openView(model, el, "attr", "Maps of one picture");
  const controls = openControls(view);
  const rows = h("div", { class: "cw-attr-rows", tabindex: 0, role: "application" });
  const empty = h("div", { class: "cw-soft" }, "no maps yet");
  view.body.append(controls.element, rows, empty);
  const tiles = [];

  // what the panels share
  const scene = {
    panels: [], picture: null, extent: [0, 0], hover: null, palettes: {}, gradients: {},
    place: () => scene.hover ?? inside(model.get("position")),
    share: ([row, column]) => [(row + 0.5) / scene.extent[0], (column + 0.5) / scene.extent[1]],
  };
  const inside = (place) => (place && place[0] < scene.extent[0] && place[1] < scene.extent[1] ? place : null);

  // -- what is shown --

  function readExtent() {
    const [tall, wide] = model.get("_picture_size");
    if (tall) return [tall, wide];
    const sizes = scene.panels.filter((panel) => panel.shape.length).map((panel) => panel.shape.slice(-2));
    return sizes.reduce((most, size) => (size[0] * size[1] > most[0] * most[1] ? size : most), [0, 0]);
  }

  function readColours() {
    const luts = bytesOf(model.get("_luts"));
    if (!luts.length) return; // the widget is being closed
    const heat = paletteOf(luts, Math.max(0, model.get("_colormaps").indexOf(model.get("colormap"))));
    scene.palettes = { heat, signed: paletteOf(luts, model.get("_signed")), colour: GREYS };
    for (const [kind, palette] of Object.entries(scene.palettes)) scene.gradients[kind] = gradientOf(palette);
  }

  // Where the colours of each panel end; those with the same `scale` end at the same value.
  function readLimits() {
    const shared = new Map();
    for (const panel of scene.panels) {
      panel.limit = panel.numbers && !panel.said ? panel.numbers.limit(model.get("clip")) : 0;
      if (panel.scale) shared.set(panel.scale, Math.max(panel.limit, shared.get(panel.scale) ?? 0));
    }
    for (const panel of scene.panels) if (panel.scale && panel.limit) panel.limit = shared.get(panel.scale);
  }

  // Rows of panels, each with the picture before it.
  function rowsOf(panels) {
    const all = [];
    for (const panel of panels) {
      if (!all.length || all.at(-1).row !== panel.row) all.push({ row: panel.row, panels: [] });
      all.at(-1).panels.push(panel);
    }
    if (!model.get("show_image") || !model.get("_picture_size")[0]) return all;
    if (!all.length) all.push({ row: "", panels: [] });
    return all.map(({ row, panels: own }) => ({ row, panels: [{ picture: true, key: "", row }, ...own] }));
  }

  let laid = "";
  function refresh() {
    scene.extent = readExtent();
    readLimits();
    const all = rowsOf(scene.panels);
    const shown = all.flatMap(({ panels }) => panels);
    while (tiles.length < shown.length) tiles.push(newTile());
    const layout = JSON.stringify(all.map(({ row, panels }) => [row, panels.length]));
    if (layout !== laid) {
      let next = 0;
      const lines = all.map(({ row, panels }) => {
        const line = h("div", { class: "cw-attr-row" }, ...panels.map(() => tiles[next++].element));
        return row ? h("section", {}, h("div", { class: "cw-title cw-attr-heading" }, row), line) : line;
      });
      rows.replaceChildren(...lines);
      laid = layout;
    }
    shown.forEach((panel, i) => tiles[i].refresh(panel));
    rows.hidden = !shown.length;
    empty.hidden = shown.length > 0;
    drawTexts();
  }

  function drawTexts() {
    view.body.style.setProperty("--cw-attr-width", `${model.get("width")}px`);
    controls.refresh(scene.panels, scene.picture);
    const n = scene.panels.length;
    rows.setAttribute(
      "aria-label",
      `${n} map${n === 1 ? "" : "s"} of one picture. Arrow keys choose a pixel, Enter the strongest of the first map, Escape none.`,
    );
  }

  const used = () => tiles.filter((tile) => tile.element.isConnected);

  // -- one pixel in all panels --

  function setHover(place) {
    if (String(place) === String(scene.hover)) return;
    scene.hover = place;
    readAll();
  }
  function readAll() {
    for (const tile of used()) {
      tile.read();
      tile.repaint();
    }
  }

  function choose(position) {
    view.set({ position });
    view.say(position ? told(position) : "no pixel chosen");
  }
  // With the keys: what lies under a resting pointer waits until that moves.
  function chooseByKey(position) {
    scene.hover = null;
    choose(position);
    readAll();
  }
  function told(place) {
    const each = used().filter((tile) => tile.panel().numbers).map((tile) => `${tile.panel().title || tile.panel().key} ${tile.panel().said || tile.tell(place)}`);
    return `row ${place[0]}, column ${place[1]}: ${each.join("; ")}`;
  }

  function newTile() {
    const tile = openTile(view, scene);
    const under = (event) => {
      const [x, y] = placeOf(event, tile.canvas);
      const [wide, tall] = [tile.canvas.clientWidth, tile.canvas.clientHeight];
      if (x < 0 || y < 0 || x >= wide || y >= tall || !scene.extent[0]) return null;
      return [Math.floor((y / tall) * scene.extent[0]), Math.floor((x / wide) * scene.extent[1])];
    };
    view.listen(tile.canvas, "pointermove", (event) => event.pointerType !== "touch" && setHover(under(event)));
    view.listen(tile.canvas, "pointerleave", () => setHover(null));
    view.listen(tile.canvas, "click", (event) => {
      const place = under(event);
      if (place) choose(String(place) === String(model.get("position")) ? null : place);
    });
    view.listen(tile.choice, "click", () => view.set({ chosen: tile.panel().key }));
    return tile;
  }

  // -- keys --

  function move(event, down, right) {
    if (event.target !== rows || !scene.extent[0]) return false;
    const [tall, wide] = scene.extent;
    const step = event.shiftKey ? FAR : 1;
    const now = inside(model.get("position"));
    const [row, column] = now ?? [tall >> 1, wide >> 1];
    chooseByKey(now ? [clamp(row + down * step, 0, tall - 1), clamp(column + right * step, 0, wide - 1)] : [row, column]);
  }
  function strongest(event) {
    if (event.target !== rows) return false;
    const tile = used().find((one) => one.drawn());
    if (!tile) return;
    const { h: tall, w: wide, planes } = tile.panel().numbers;
    const size = (i) => Math.max(...planes.map((plane) => (Number.isFinite(plane[i]) ? Math.abs(plane[i]) : 0)));
    let best = 0;
    for (let i = 1; i < tall * wide; i++) if (size(i) > size(best)) best = i;
    const share = [(Math.floor(best / wide) + 0.5) / tall, ((best % wide) + 0.5) / wide];
    chooseByKey(share.map((part, i) => Math.floor(part * scene.extent[i])));
  }
  onKeys(
    rows,
    {
      ArrowUp: (event) => move(event, -1, 0),
      ArrowDown: (event) => move(event, 1, 0),
      ArrowLeft: (event) => move(event, 0, -1),
      ArrowRight: (event) => move(event, 0, 1),
      Enter: strongest,
      Escape: (event) => (event.target === rows ? chooseByKey(null) : false),
    },
    view.signal,
  );

  // -- what changes --

  // several traits come in one message: painted once
  const readNew = view.eachFrame(() => {
    scene.panels = readPanels(model, scene.panels);
    refresh();
  });
  const recolour = view.eachFrame(() => {
    readColours();
    refresh();
  });
  const redraw = view.eachFrame(refresh);
  async function readPicture() {
    const bytes = model.get("_picture");
    const picture = await openPicture(bytes);
    if (view.signal.aborted || bytes !== model.get("_picture")) return picture?.close(); // a newer one has come
    scene.picture?.close();
    scene.picture = picture;
    refresh();
  }
  const slots = Array.from({ length: model.get("_slots") }, (_, place) => `_slot_${place}`);
  view.on(["_panels", "_picture_size", ...slots], readNew);
  view.on(["colormap", "_luts"], recolour);
  view.on(["clip", "opacity", "smooth", "show_image", "image_title", "can_choose", "chosen", "controls"], redraw);
  view.on("_picture", readPicture);
  view.on("width", drawTexts);
  view.on("position", readAll);
  view.signal.addEventListener("abort", () => scene.picture?.close());
  scene.panels = readPanels(model, []);
  readColours();
  refresh();
  readPicture();
  return view.close;
}

export default { render };
