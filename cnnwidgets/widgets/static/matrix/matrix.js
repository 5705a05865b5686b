// A small matrix of numbers: to be read, or edited like a spreadsheet.

import { clamp, h, onKeys } from "../shared/dom.js";
import { full, short, typed } from "./numbers.js";

const nothing = () => {};

// `draw` takes a cell for each number: { value (null: empty), tint (-1 to 1), note (small, in the corner), marks (classes),
// open (can be edited) }. onPick is told of the cell that was clicked or that has the
// keyboard, onLeave of Escape.
export function openMatrix(view, { label, small = false, onEdit = nothing, onHover = nothing, onPick = nothing, onLeave = nothing }) {
  const frame = h("div", { class: "cw-matrix-frame", hidden: true });
  const element = h("div", { class: `cw-matrix${small ? " cw-small" : ""}`, role: "table", "aria-label": label }, frame);
  let cells = [];
  let built = "";
  let home = null; // the cell that Tab comes to

  // Returns the cell that has the keyboard next, if it was in here.
  function build(specs) {
    const had = element.contains(document.activeElement) ? home : null;
    cells = specs.map((row, i) => row.map((spec, j) => openCell(spec, i, j)));
    const rows = cells.map((row) => h("div", { class: "cw-matrix-row", role: "row" }, ...row.map((cell) => cell.element)));
    element.replaceChildren(...rows, frame);
    element.style.setProperty("--cw-columns", specs[0].length);
    const open = cells.flat().filter((cell) => cell.input);
    element.setAttribute("role", open.length ? "grid" : "table");
    for (const cell of cells.flat()) cell.element.setAttribute("role", open.length ? "gridcell" : "cell");
    home = null;
    if (open.length) settle(had ? cellAt(...had) ?? open[0] : open[0]);
    return had && home ? cellAt(...home) : null;
  }

  function openCell(spec, row, column) {
    const name = `${label}, row ${row}, column ${column}`;
    const input = spec.open
      ? h("input", { class: "cw-cell-entry", type: "text", inputmode: "decimal", autocomplete: "off", tabindex: -1, "aria-label": name })
      : null;
    const text = input ?? h("span");
    const note = h("i", { class: "cw-cell-note", "aria-hidden": "true" });
    const cell = h("div", { "data-row": row, "data-column": column }, text, note);
    return { element: cell, input, text, note, value: null };
  }

  const cellAt = (row, column) => (cells[row]?.[column]?.input ? cells[row][column] : null);
  const placeIn = (target) => {
    const cell = target.closest?.("[data-row]");
    return cell ? [Number(cell.dataset.row), Number(cell.dataset.column)] : null;
  };

  function settle(cell) {
    if (home) cellAt(...home).input.tabIndex = -1;
    cell.input.tabIndex = 0;
    home = placeIn(cell.element);
  }

  function draw(specs) {
    const shape = specs.map((row) => row.map(({ open }) => (open ? "o" : "-")).join("")).join("/");
    const next = shape === built ? null : build(specs);
    built = shape;
    specs.forEach((row, i) => row.forEach((spec, j) => drawCell(cells[i][j], spec)));
    next?.input.focus(); // once it has its number
  }

  function drawCell(cell, { value, tint = 0, note = "", marks = "" }) {
    cell.value = value;
    const side = tint > 0 ? "cw-positive" : tint < 0 ? "cw-negative" : "";
    const named = `cw-cell ${side} ${marks}`;
    if (cell.element.className !== named) cell.element.className = named;
    cell.element.style.setProperty("--cw-share", clamp(Math.abs(tint), 0, 1).toFixed(3));
    if (cell.note.textContent !== note) cell.note.textContent = note;
    if (!cell.input) cell.text.textContent = value === null ? "" : short(value);
    else if (!cell.input.matches(":focus")) rest(cell);
    // what is being typed stays as it is, "1." or "−" too; a number that comes from elsewhere meanwhile is shown
    else if (!Number.isNaN(typed(cell.input.value)) && typed(cell.input.value) !== value) cell.input.value = full(value);
  }

  function rest(cell) {
    if (cell.value === null) return; // of a new shape, not drawn yet
    cell.input.value = short(cell.value);
    cell.input.removeAttribute("aria-invalid");
  }

  // A frame around some cells, or none.
  function setFrame(place) {
    frame.hidden = !place;
    if (!place) return;
    for (const [name, at] of Object.entries(place)) frame.style.setProperty(`--cw-${name}`, at);
  }

  // -- the pointer --

  view.listen(element, "pointerover", (event) => onHover(placeIn(event.target)));
  view.listen(element, "pointerleave", () => onHover(null));
  view.listen(element, "click", (event) => placeIn(event.target) && onPick(placeIn(event.target)));

  // -- editing --

  view.listen(element, "focusin", (event) => {
    const place = placeIn(event.target);
    const cell = place && cellAt(...place);
    if (!cell) return;
    settle(cell);
    cell.input.value = full(cell.value);
    cell.input.select();
    onPick(place);
  });
  view.listen(element, "focusout", (event) => {
    const place = placeIn(event.target);
    if (place && cellAt(...place)) rest(cellAt(...place));
  });
  view.listen(element, "input", (event) => {
    const place = placeIn(event.target);
    const value = typed(event.target.value);
    event.target.setAttribute("aria-invalid", String(Number.isNaN(value)));
    if (Number.isNaN(value)) return;
    onEdit(...place, value);
  });

  function go(event, down, right) {
    if (event.shiftKey) return false; // selects text
    const [row, column] = placeIn(event.target);
    const next = cellAt(row + down, column + right);
    if (next) next.input.focus();
    else event.target.select();
    return true;
  }
  function add(event, by) {
    const [row, column] = placeIn(event.target);
    onEdit(row, column, cells[row][column].value + by);
  }
  onKeys(
    element,
    {
      ArrowUp: (event) => go(event, -1, 0),
      ArrowDown: (event) => go(event, 1, 0),
      ArrowLeft: (event) => go(event, 0, -1),
      ArrowRight: (event) => go(event, 0, 1),
      Enter: (event) => go(event, 1, 0),
      PageUp: (event) => add(event, 1),
      PageDown: (event) => add(event, -1),
      Escape: (event) => {
        event.target.blur();
        onLeave();
      },
    },
    view.signal,
  );

  return { element, draw, setFrame };
}

// A matrix with its name above and a line below.
export function titled(matrix, title, line = "") {
  const head = h("div", { class: "cw-matrix-title" }, title);
  const below = h("div", { class: "cw-matrix-line cw-soft" }, line);
  return { element: h("div", { class: "cw-matrix-block" }, head, below, matrix.element), head, below };
}

// A sign in front of what it belongs to, so that both go to the next line together.
export function joined(sign, element) {
  return h("div", { class: "cw-matrix-joined" }, h("div", { class: "cw-matrix-sign", "aria-hidden": "true" }, sign), element);
}
