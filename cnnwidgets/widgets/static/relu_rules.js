// The three ways back through a ReLU, on small matrices.

import { h } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { joined, openMatrix, titled } from "./matrix/matrix.js";
import { changed, largestOf, mapped, shapeOf } from "./matrix/numbers.js";
import { RULES, ruleTold, stoppedBy } from "./relu/rules.js";

function render({ model, el }) {
  const view = openView(model, el, "relu", "Three ways back through a ReLU");
  let hover = null;

  // -- elements --

  const onHover = (place) => {
    if (JSON.stringify(place) === JSON.stringify(hover)) return;
    hover = place;
    drawMarks();
  };
  const say = () => view.say(`${where.textContent}: ${reading.textContent}`);
  const onPick = (place) => {
    view.set({ position: place });
    say();
  };
  const onLeave = () => view.set({ position: null });
  const open = (label, more = {}) => openMatrix(view, { label, onHover, onPick, onLeave, ...more });
  const edit = (trait) => (row, column, value) => {
    view.set({ [trait]: changed(model.get(trait), row, column, value) });
    say();
  };

  const f = open("f", { onEdit: edit("values") });
  const output = open("ReLU of f");
  const r = open("R", { onEdit: edit("signal") });
  const rules = RULES.map((rule) => {
    const result = open(rule.title);
    const masks = [...rule.looks].map((letter) => ({ letter, matrix: open(`${rule.title}, where ${condition(letter)}`, { small: true }) }));
    const passed = h("div", { class: "cw-soft cw-relu-passed" });
    return { rule, result, masks, passed };
  });

  function condition(letter) {
    return letter === "f" ? "f > 0" : "R > 0";
  }
  const pill = (letter) => h("span", { class: `cw-relu-if cw-if-${letter}` }, `1[${condition(letter)}]`);
  const heading = (text, why) => h("div", { class: "cw-relu-heading" }, h("span", { class: "cw-title" }, text), h("span", { class: "cw-soft" }, why));

  function card({ rule, result, masks, passed }) {
    const { element, below } = titled(result, rule.title);
    below.append("R", ...masks.flatMap(({ letter }) => [" · ", pill(letter)]));
    const small = masks.map(({ letter, matrix }) => h("div", { class: "cw-relu-mask" }, pill(letter), matrix.element));
    element.classList.add(`cw-relu-${rule.key}`);
    element.append(passed, h("div", { class: "cw-relu-masks" }, ...small));
    return element;
  }

  const random = h("button", { type: "button", class: "cw-button" }, "Random numbers");
  const [where, reading] = [h("div", { class: "cw-title" }), h("div", { class: "cw-relu-reading" })];
  const swatch = (letter, text) => h("div", { class: "cw-relu-key" }, h("i", { class: `cw-relu-swatch cw-off-${letter}` }), text);
  const panel = h(
    "div", { class: "cw-relu-panel" },
    where, reading,
    h(
      "div", { class: "cw-soft cw-relu-legend" },
      swatch("f", "stopped, as f is not positive: the ReLU was closed on the way forward"),
      swatch("r", "stopped, as R is not positive: the signal itself is asked, not the picture"),
    ),
    random,
  );
  view.body.append(
    heading("Forward", "f goes in; what is negative becomes 0"),
    h(
      "div", { class: "cw-matrix-stage" },
      titled(f, "f", "input of the ReLU, edit it").element, joined("→", titled(output, "ReLU(f)", "max(f, 0)").element), panel,
    ),
    heading("Back", "R comes from the layer above; each rule decides where it goes on"),
    h(
      "div", { class: "cw-matrix-stage" },
      titled(r, "R", "signal from above, edit it").element,
      ...rules.map(card).map((each, i) => (i ? each : joined("→", each))),
    ),
  );

  // -- drawing --

  const pointed = () => {
    const [rows, columns] = shapeOf(model.get("values"));
    const place = hover ?? model.get("position");
    return place && place[0] < rows && place[1] < columns ? place : null;
  };

  const at = (trait, [row, column]) => model.get(trait)[row][column];

  function draw() {
    const [values, signal] = [model.get("values"), model.get("signal")];
    // both change in one message, yet one after the other
    if (String(shapeOf(values)) !== String(shapeOf(signal))) return;
    const [top, most] = [largestOf(values) || 1, largestOf(signal) || 1];
    f.draw(mapped(values, (value) => ({ value, tint: value / top, open: true })));
    output.draw(mapped(values, (value) => ({ value: Math.max(value, 0), tint: Math.max(value, 0) / top })));
    r.draw(mapped(signal, (value) => ({ value, tint: value / most, open: true })));
    for (const { rule, result, masks, passed } of rules) {
      let open = 0;
      result.draw(
        mapped(signal, (value, i, j) => {
          const off = stoppedBy(rule, values[i][j], value);
          open += off ? 0 : 1;
          return { value: off ? 0 : value, tint: off ? 0 : value / most, marks: [...off].map((letter) => `cw-off-${letter}`).join(" ") };
        }),
      );
      for (const { letter, matrix } of masks) {
        const test = { looks: letter };
        matrix.draw(
          mapped(signal, (value, i, j) => {
            const off = stoppedBy(test, values[i][j], value);
            return { value: off ? 0 : 1, marks: off ? `cw-off-${letter}` : "" };
          }),
        );
      }
      passed.textContent = `open in ${open} of ${values.length * values[0].length} cells`;
    }
    drawMarks();
  }

  function drawMarks() {
    const place = pointed();
    const frame = place ? { row: place[0], column: place[1], tall: 1, wide: 1 } : null;
    for (const matrix of [f, output, r]) matrix.setFrame(frame);
    for (const { result, masks } of rules) for (const matrix of [result, ...masks.map((mask) => mask.matrix)]) matrix.setFrame(frame);
    where.textContent = place ? `row ${place[0]}, column ${place[1]}` : "One cell, three rules";
    reading.textContent = place ? ruleTold(at("values", place), at("signal", place)) : "Point at a cell: what becomes of it is told here.";
  }

  // -- what changes --

  view.listen(random, "click", () => {
    const some = () => mapped(model.get("values"), () => Math.floor(Math.random() * 9) - 4);
    view.set({ values: some(), signal: some() });
  });
  view.on(["values", "signal"], draw);
  view.on("position", drawMarks);
  draw();
  return view.close;
}

export default { render };
