// The pictures of a step side by side, with their names and captions. Elements stay while pictures change.

import { placeOf } from "../shared/canvas.js";
import { clamp, h, onKeys, uniqueId } from "../shared/dom.js";

export function openTiles(view, onRead) {
  const { model } = view;
  const id = uniqueId("step");
  const element = h("div", { class: "cw-steps-pictures" });
  const tiles = [];
  let active = 0;

  const canSelect = () => model.get("can_select") && tiles.length > 1;

  function newTile() {
    const canvas = h("canvas", { class: "cw-steps-canvas", width: 1, height: 1 });
    const g = canvas.getContext("2d", { willReadFrequently: true }); // small, and read by the pointer
    const name = h("div", { class: "cw-steps-name" });
    const caption = h("div", { class: "cw-soft cw-steps-caption" });
    const tile = { canvas, g, name, caption, element: h("figure", { id: `${id}-${tiles.length}`, class: "cw-steps-tile" }, name, canvas, caption) };
    view.listen(tile.element, "click", () => canSelect() && select(tiles.indexOf(tile)));
    view.listen(canvas, "pointermove", (event) => onRead(model.get("read_colours") ? colourAt(tile, event) : ""));
    view.listen(canvas, "pointerleave", () => onRead(""));
    return tile;
  }

  function colourAt({ canvas, g }, event) {
    const [x, y] = placeOf(event, canvas);
    const column = clamp(Math.floor((x / canvas.clientWidth) * canvas.width), 0, canvas.width - 1);
    const row = clamp(Math.floor((y / canvas.clientHeight) * canvas.height), 0, canvas.height - 1);
    const [red, green, blue] = g.getImageData(column, row, 1, 1).data;
    return `row ${row}, column ${column}: R ${red} G ${green} B ${blue}`;
  }

  function draw({ pictures }) {
    while (tiles.length > pictures.length) tiles.pop().element.remove();
    while (tiles.length < pictures.length) {
      tiles.push(newTile());
      element.append(tiles.at(-1).element);
    }
    tiles.forEach(({ canvas, g }, i) => {
      const picture = pictures[i];
      if (!picture) return;
      if (canvas.width !== picture.width || canvas.height !== picture.height) Object.assign(canvas, { width: picture.width, height: picture.height });
      g.drawImage(picture, 0, 0);
    });
  }

  // Everything but the pixels.
  function label(step) {
    const titles = model.get("titles");
    const named = titles.slice(0, tiles.length).some(Boolean);
    const captioned = step?.captions.some(Boolean);
    const choosing = canSelect();
    const selected = model.get("selected");
    active = clamp(active, 0, Math.max(0, tiles.length - 1));
    element.style.setProperty("--cw-steps-width", `${model.get("width")}px`);
    element.classList.toggle("cw-steps-squares", !model.get("smooth"));
    element.classList.toggle("cw-steps-choosing", choosing);
    if (choosing) Object.entries({ role: "listbox", tabindex: 0, "aria-label": "pictures" }).forEach(([name, value]) => element.setAttribute(name, value));
    else ["role", "tabindex", "aria-label", "aria-activedescendant"].forEach((name) => element.removeAttribute(name));
    if (choosing) element.setAttribute("aria-activedescendant", tiles[active].element.id);
    element.dataset.lmSuppressShortcuts = "true";
    tiles.forEach((tile, i) => {
      tile.name.textContent = tile.name.title = titles[i] ?? "";
      tile.name.hidden = !named;
      tile.caption.textContent = step?.captions[i] ?? "";
      tile.caption.hidden = !captioned;
      const told = [titles[i], step?.captions[i], step?.told].filter(Boolean).join(", ");
      tile.canvas.setAttribute("role", "img");
      tile.canvas.setAttribute("aria-label", told || "picture");
      if (choosing) tile.element.setAttribute("role", "option");
      else tile.element.removeAttribute("role");
      if (choosing) tile.element.setAttribute("aria-selected", String(i === selected));
      else tile.element.removeAttribute("aria-selected");
      tile.element.classList.toggle("cw-active", choosing && i === active && document.activeElement === element);
    });
  }

  // -- choosing --

  const told = (i) => model.get("titles")[i] || `picture ${i + 1}`;
  function select(i) {
    active = i;
    const selected = model.get("selected") === i ? null : i;
    view.set({ selected });
    view.say(selected === null ? "none chosen" : `${told(i)} chosen`);
  }
  function go(to) {
    if (!canSelect()) return false;
    active = clamp(to, 0, tiles.length - 1);
    tiles[active].element.scrollIntoView({ block: "nearest" });
    view.say(told(active));
    mark();
  }
  const mark = () => {
    element.setAttribute("aria-activedescendant", tiles[active]?.element.id ?? "");
    tiles.forEach((tile, i) => tile.element.classList.toggle("cw-active", canSelect() && i === active && document.activeElement === element));
  };
  const across = () => {
    const top = tiles[0].element.offsetTop;
    const next = tiles.findIndex((tile) => tile.element.offsetTop > top);
    return next > 0 ? next : tiles.length;
  };
  const enter = () => (canSelect() ? select(active) : false);
  onKeys(
    element,
    {
      ArrowRight: () => go(active + 1), ArrowLeft: () => go(active - 1),
      ArrowDown: () => canSelect() && go(active + across()), ArrowUp: () => canSelect() && go(active - across()),
      Home: () => go(0), End: () => go(Infinity), Enter: enter, " ": enter,
    },
    view.signal,
  );
  view.listen(element, "focus", mark);
  view.listen(element, "blur", mark);

  return { element, draw, label, canvases: () => tiles.map((tile) => tile.canvas) };
}
