// One row: its heading, what is told of it, a bar, and its pictures.

import { h, number, svg } from "../shared/dom.js";

const MARKS = {
  true: ["cw-rows-same", "M3.5 8.5l3 3 6-7", "same"],
  false: ["cw-rows-other", "M4 4l8 8M12 4l-8 8", "other"],
};
const LEAST = 0.5; // width by height of a tile: its label needs some room

// The elements of a row. `active` is the tile that the keyboard is at.
export function openRow(id) {
  const title = h("b");
  const note = h("span", { class: "cw-soft" });
  const told = h("span", { class: "cw-rows-told" });
  const fill = h("i");
  const notch = h("u");
  const meter = h("span", { class: "cw-rows-meter", role: "img", title: "bar: here; mark: on average" }, fill, notch);
  const message = h("div", { class: "cw-soft cw-rows-wait" });
  const tiles = h("div", { id, class: "cw-rows-tiles", role: "listbox", tabindex: 0 });
  const head = h("div", { class: "cw-rows-head" }, title, note);
  const below = h("div", { class: "cw-rows-measured" }, meter, told);
  const element = h("section", { class: "cw-rows-row", role: "group" }, head, below, message, tiles);
  let shown = 0;

  const row = {
    element, title, note, message, tiles, head, numbers: [], active: 0, described: null,
    shown: () => shown,
    tile: () => (shown ? tiles.children[row.active] : null),
    across,
    // Everything that depends on how many pictures are shown.
    count(k) {
      shown = Math.min(k, tiles.children.length);
      [...tiles.children].forEach((tile, i) => (tile.hidden = i >= k));
      const at = (values) => values[Math.min(k, values.length) - 1];
      const { told: texts, share, mean } = row.described;
      told.textContent = at(texts) ?? "";
      meter.hidden = !share.length && !mean.length;
      fill.style.width = `${100 * (at(share) ?? 0)}%`;
      notch.hidden = !mean.length;
      notch.style.left = `${100 * (at(mean) ?? 0)}%`;
      meter.setAttribute("aria-label", [share.length && `${percent(at(share))} here`, mean.length && `${percent(at(mean))} on average`].filter(Boolean).join(", "));
      below.hidden = meter.hidden && !told.textContent;
    },
    mark(chosen, focused) {
      [...tiles.children].forEach((tile, i) => {
        tile.setAttribute("aria-selected", String(row.numbers[i] !== null && row.numbers[i] === chosen));
        tile.classList.toggle("cw-active", focused && i === row.active);
      });
      if (shown) tiles.setAttribute("aria-activedescendant", `${id}-${row.active}`);
      else tiles.removeAttribute("aria-activedescendant");
    },
  };

  // Tiles in a line, as they have wrapped.
  function across() {
    const top = tiles.firstChild?.offsetTop;
    const next = [...tiles.children].findIndex((tile, i) => i < shown && tile.offsetTop > top);
    return next > 0 ? next : Math.max(1, shown);
  }
  return row;
}

const percent = (value) => `${Math.round(100 * value)} %`;

export function drawRow(row, described, pictures, size) {
  row.described = described;
  row.element.setAttribute("aria-label", described.title || described.key);
  row.element.dataset.key = described.key;
  row.title.textContent = described.title;
  row.note.textContent = described.note;
  row.head.hidden = !described.title && !described.note;
  row.message.textContent = described.message;
  row.message.hidden = !described.message;
  row.numbers = described.tiles.map((tile) => tile.number);
  row.tiles.hidden = !described.tiles.length;
  row.tiles.setAttribute("aria-label", described.title || "pictures");
  row.tiles.replaceChildren(...described.tiles.map((tile, i) => tileOf(tile, i, `${row.tiles.id}-${i}`, pictures[tile.picture], size)));
}

function tileOf(tile, i, id, picture, size) {
  const box = pictureBox(picture, size);
  const [kind, path, told] = MARKS[tile.mark] ?? ["", "", ""];
  if (path) box.append(h("span", { class: "cw-rows-badge" }, svg(path, 12)));
  const value = tile.value === null ? "" : typeof tile.value === "number" ? number(tile.value) : tile.value;
  const words = [`${i + 1}`, tile.label, value, told && `${told} class`].filter(Boolean).join(", ");
  const texts = [h("span", { class: "cw-rows-label" }, tile.label), h("span", { class: "cw-soft" }, value)].filter((el) => el.textContent);
  return h(
    "div",
    { id, role: "option", class: `cw-rows-tile ${kind} ${tile.number === null ? "cw-rows-still" : ""}`, title: tile.source || null, "aria-label": words, "data-number": tile.number },
    box,
    ...texts,
  );
}

// A picture at some height, in a frame; tiny ones show their pixels as squares.
export function pictureBox(picture, height) {
  const canvas = h("canvas", { "aria-hidden": "true", width: picture?.width ?? 1, height: picture?.height ?? 1 });
  const ratio = picture ? picture.width / picture.height : 1;
  const width = Math.min(Math.max(ratio, LEAST), 2) * height;
  if (picture) canvas.getContext("2d").drawImage(picture, 0, 0);
  canvas.style.aspectRatio = String(ratio);
  if (picture && picture.height * 2 <= height) canvas.classList.add("cw-rows-squares");
  const box = h("span", { class: "cw-rows-box" }, canvas);
  box.style.width = `${width}px`;
  return box;
}
