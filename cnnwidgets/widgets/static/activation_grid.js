// All channels of a layer as tiles, and the chosen one large over the picture.

import { pictureOf } from "./shared/bytes.js";
import { h, number, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openDetail } from "./grid/detail.js";
import { readColours, readMaps } from "./grid/maps.js";
import { openTiles } from "./grid/tiles.js";

function render({ model, el }) {
  const view = openView(model, el, "activations", "Activation maps");

  // what tiles and detail share: the maps, what the pointer is over, and what may be done
  const scene = { maps: readMaps(model), colours: null, picture: null, hover: null, setHover, choose, tell, seen };
  scene.colours = readColours(model, scene.maps);

  function setHover(cell) {
    if (JSON.stringify(cell) === JSON.stringify(scene.hover)) return;
    scene.hover = cell;
    tiles.repaint();
    detail.repaint();
    readOut();
  }

  function choose(channel, position) {
    view.set(position === undefined ? { channel } : { channel, position });
    speak();
  }

  // A cell in words.
  function tell({ channel, row, column }) {
    const note = scene.maps.note(channel);
    if (note && note !== "the same everywhere") return note;
    const value = number(scene.maps.value(channel, row, column));
    return scene.maps.size === 1 ? value : `row ${row}, column ${column} · ${value}`;
  }

  // The pixels of the picture that a cell sees, cut at its border; null if that is not known.
  function seen(row, column) {
    const field = model.get("receptive_field");
    const { picture } = scene;
    if (!field || !picture) return null;
    if (field.whole_image) return { top: 0, left: 0, bottom: picture.height, right: picture.width };
    const along = (axis, place, length) => {
      const start = place * field.stride[axis] - field.padding[axis];
      return [Math.max(0, start), Math.min(length, start + field.size[axis])];
    };
    const [top, bottom] = along(0, row, picture.height);
    const [left, right] = along(1, column, picture.width);
    return bottom > top && right > left ? { top, left, bottom, right } : null;
  }

  const tiles = openTiles(view, scene);
  const detail = openDetail(view, scene);

  // -- controls and texts --

  const title = h("span", { class: "cw-title" });
  const size = h("span", { class: "cw-soft" });
  const choice = (value, text) => h("button", { type: "button", "data-scale": value }, text);
  const scale = h("div", { class: "cw-choice cw-push", role: "group", "aria-label": "Colour scale" }, choice("shared", "shared scale"), choice("tile", "each tile"));
  const colours = h("select", { "aria-label": "Colours" }, ...["auto", ...model.get("_colormaps")].map((name) => h("option", { value: name }, name)));
  const heading = h("span", { class: "cw-title" });
  const note = h("span", { class: "cw-soft" });
  const gradient = h("div", { class: "cw-colours-bar" }, h("i", { hidden: true }));
  const [lowest, highest] = [h("span"), h("span")];
  const reading = h("div", { class: "cw-reading" });
  const opacityId = uniqueId("opacity");
  const opacity = h("input", { id: opacityId, type: "range", min: 0, max: 1, step: 0.01 });
  const over = h("label", { class: "cw-check", for: opacityId }, h("span", { class: "cw-label" }, "opacity"), opacity);
  const smooth = h("input", { type: "checkbox" });
  const tuning = h("div", { class: "cw-row" }, over, h("label", { class: "cw-check" }, smooth, "smooth"));
  const side = h(
    "div",
    { class: "cw-detail" },
    h("div", { class: "cw-row cw-head" }, heading, note),
    detail.canvas,
    h("div", { class: "cw-colours" }, gradient, h("div", { class: "cw-colours-ends" }, lowest, highest)),
    reading,
    tuning,
  );
  const empty = h("div", { class: "cw-soft" }, "no activations yet");
  const main = h("div", { class: "cw-all" }, h("div", { class: "cw-row cw-head" }, title, size, scale, colours), tiles.element);
  view.body.append(main, side, empty);

  function drawTexts() {
    const { maps } = scene;
    const channel = model.get("channel");
    main.hidden = side.hidden = !maps.n;
    empty.hidden = maps.n > 0;
    if (!maps.n) return;
    const what = maps.size > 1 ? `${maps.n} channels · ${maps.h} × ${maps.w}` : `${maps.n} channels, one number each`;
    title.textContent = title.title = model.get("title");
    size.textContent = what;
    heading.textContent = `channel ${channel}`;
    const range = `${number(maps.lo(channel))} to ${number(maps.hi(channel))}`;
    note.textContent = maps.note(channel) || (maps.size > 1 ? range : number(maps.hi(channel)));
    side.hidden = maps.size === 1 && !scene.picture;
    for (const button of scale.children) {
      button.setAttribute("aria-pressed", String(button.dataset.scale === model.get("scale")));
      button.disabled = maps.size === 1; // a single number has no scale of its own
    }
    colours.value = model.get("colormap");
    opacity.value = model.get("opacity");
    opacity.disabled = !scene.picture;
    tuning.hidden = maps.size === 1;
    smooth.checked = model.get("smooth");
    const [lo, hi] = scene.colours.ends(channel);
    const known = Number.isFinite(lo) && hi > lo;
    gradient.style.background = known ? scene.colours.gradient : "none";
    lowest.textContent = known ? number(lo) : "";
    highest.textContent = known ? number(hi) : "";
    const called = [model.get("title"), what].filter(Boolean).join(", ");
    tiles.canvas.setAttribute("aria-label", `${called}. Arrow keys choose a channel, Enter its strongest cell, plus and minus zoom.`);
    detail.canvas.setAttribute("aria-label", `Channel ${channel}, large. Arrow keys choose a cell, Enter the strongest, Escape none.`);
    readOut();
  }

  // The cell under the pointer, else the chosen one, else the strongest.
  function readOut() {
    const { maps, hover } = scene;
    if (!maps.n) return;
    const chosen = model.get("position");
    const channel = model.get("channel");
    const [row, column] = chosen ?? maps.strongest(channel);
    const cell = hover ?? { channel, row, column };
    const other = cell.channel !== channel;
    const field = other ? null : seen(cell.row, cell.column);
    const told = tell(cell);
    const head = other ? `channel ${cell.channel} · ` : hover || chosen ? "" : "strongest: ";
    const pixels = field && !maps.note(channel) ? ` · ${`sees ${field.bottom - field.top} × ${field.right - field.left} px`.replaceAll(" ", "\u00a0")}` : "";
    reading.textContent = told === note.textContent ? "" : `${head}${told}${pixels}`;
    const [lo, hi] = other && scene.colours.each ? [NaN, NaN] : scene.colours.ends(channel);
    const share = (maps.value(cell.channel, cell.row, cell.column) - lo) / (hi - lo);
    gradient.firstChild.hidden = !(share >= 0 && share <= 1);
    gradient.firstChild.style.left = `${100 * share}%`;
  }

  function speak() {
    const { maps } = scene;
    if (!maps.n) return;
    const channel = model.get("channel");
    const [row, column] = model.get("position") ?? maps.strongest(channel);
    view.say(`channel ${channel}, ${tell({ channel, row, column })}`);
  }

  // -- what changes --

  const recolour = (newMaps) => {
    scene.colours = readColours(model, scene.maps);
    tiles.refresh(newMaps);
    detail.refresh();
    drawTexts();
  };
  // several traits come in one message: painted once
  const readAll = view.eachFrame(() => {
    scene.maps = readMaps(model);
    scene.hover = null;
    recolour(true);
  });
  async function readPicture() {
    const bytes = model.get("_picture");
    const picture = await pictureOf(bytes, "");
    if (view.signal.aborted || bytes !== model.get("_picture")) return picture?.close(); // a newer one has come
    scene.picture?.close();
    scene.picture = picture;
    detail.refresh();
    drawTexts();
  }

  view.listen(scale, "click", (event) => {
    const value = event.target.closest("button")?.dataset.scale;
    if (value) view.set({ scale: value });
  });
  view.listen(colours, "change", () => view.set({ colormap: colours.value }));
  view.listen(opacity, "input", () => view.set({ opacity: Number(opacity.value) }));
  view.listen(smooth, "change", () => view.set({ smooth: smooth.checked }));
  view.on(["_shape", "_codes", "_ranges"], readAll);
  view.on(["colormap", "scale", "_luts"], () => recolour(false));
  view.on(["order", "columns"], tiles.rearrange);
  view.on("_picture", readPicture);
  view.on(["channel", "title", "opacity", "smooth"], drawTexts);
  view.on(["position", "receptive_field"], () => {
    detail.repaint();
    readOut();
  });
  view.signal.addEventListener("abort", () => scene.picture?.close());
  recolour(true);
  readPicture();
  return view.close;
}

export default { render };
