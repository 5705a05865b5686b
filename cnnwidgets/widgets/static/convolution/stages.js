// What is shown of a convolution: forward, and the two ways to see the way back.

import { h } from "../shared/dom.js";
import { joined, openMatrix, titled } from "../matrix/matrix.js";
import { largestOf, mapped, shapeOf, short } from "../matrix/numbers.js";
import { backTerms, flipped, forwardTerms, padded, pasted } from "./sums.js";

const stack = (...blocks) => h("div", { class: "cw-matrix-stack" }, ...blocks);
const stage = (...children) => h("div", { class: "cw-matrix-stage" }, ...children);
const sizeOf = (matrix) => matrix.length * matrix[0].length;
const windowAt = (row, column, [tall, wide]) => ({ row, column, tall, wide });
const within = ({ row, column, tall, wide }, i, j) => i >= row && i < row + tall && j >= column && j < column + wide;

// A cell for each number; `more(value, i, j)` adds to them.
function cellsOf(matrix, more = () => ({}), largest = largestOf(matrix)) {
  return mapped(matrix, (value, i, j) => ({ value, tint: largest ? value / largest : 0, ...more(value, i, j) }));
}

// Numbers up to a step; cells that come later are empty, but for the one that is looked at.
function doneCells(matrix, step, at) {
  const wide = shapeOf(matrix)[1];
  return cellsOf(matrix, (value, i, j) => {
    const place = i * wide + j;
    return place <= step || place === at ? { marks: place > step ? "cw-ahead" : "" } : { value: null, tint: 0, marks: "cw-later" };
  });
}

const timesNote = (weight) => `×${short(weight)}`;

// scene: data() -> { x, kernel, signal }, at() and step(), edits, look(step) under the pointer, and go(step).
export function openForward(view, scene) {
  const x = openMatrix(view, { label: "input", onEdit: scene.edit("input") });
  const kernel = openMatrix(view, { label: "filter", onEdit: scene.edit("kernel") });
  const products = openMatrix(view, { label: "products" });
  const place = ([row, column]) => row * outWide() + column;
  const outWide = () => shapeOf(scene.data().out)[1];
  const output = openMatrix(view, {
    label: "output",
    onHover: (cell) => scene.look(cell && place(cell)),
    onPick: (cell) => scene.go(place(cell)),
  });
  const element = stage(
    titled(x, "input", "edit it").element,
    joined("∗", stack(titled(kernel, "filter", "edit it").element, titled(products, "products", "input × filter").element)),
    joined("→", titled(output, "output", "one sum in each cell").element),
  );

  function draw() {
    const data = scene.data();
    const [row, column] = [Math.floor(scene.at() / outWide()), scene.at() % outWide()];
    const frame = windowAt(row, column, shapeOf(data.kernel));
    x.draw(
      cellsOf(data.x, (_, i, j) => ({ open: true, ...(within(frame, i, j) ? { note: timesNote(data.kernel[i - row][j - column]), marks: "cw-in" } : {}) })),
    );
    x.setFrame(frame);
    kernel.draw(cellsOf(data.kernel, () => ({ open: true })));
    const multiplied = mapped(data.kernel, (weight, i, j) => weight * data.x[row + i][column + j]);
    products.draw(cellsOf(multiplied, undefined, largestOf(data.kernel) * largestOf(data.x)));
    output.draw(doneCells(data.out, scene.step(), scene.at()));
    output.setFrame(windowAt(row, column, [1, 1]));
  }

  return {
    element, draw,
    count: () => sizeOf(scene.data().out),
    explain: "Lay the filter on the input, multiply cell by cell, add the products: one number of the output. Then slide on.",
    told() {
      const [row, column] = [Math.floor(scene.at() / outWide()), scene.at() % outWide()];
      return { name: `output[${row}, ${column}]`, terms: forwardTerms(scene.data().x, scene.data().kernel, row, column) };
    },
  };
}

export function openScatter(view, scene) {
  const wide = () => shapeOf(scene.data().signal)[1];
  const place = ([row, column]) => row * wide() + column;
  let pixel = null; // of the result, under the pointer
  const signal = openMatrix(view, {
    label: "signal",
    onEdit: scene.edit("signal"),
    onPick: (cell) => scene.go(place(cell)),
  });
  const kernel = openMatrix(view, { label: "filter", onEdit: scene.edit("kernel") });
  const stamp = openMatrix(view, { label: "signal times filter" });
  const result = openMatrix(view, {
    label: "result",
    onHover: (cell) => {
      pixel = cell;
      scene.look(null);
    },
  });
  const stampTitle = titled(stamp, "");
  const element = stage(
    titled(signal, "signal", "edit it").element,
    joined("·", stack(titled(kernel, "filter", "edit it").element, stampTitle.element)),
    joined("→", titled(result, "result", "stamps that overlap add up").element),
  );

  function draw() {
    const data = scene.data();
    const [row, column] = [Math.floor(scene.at() / wide()), scene.at() % wide()];
    const value = data.signal[row][column];
    const frame = windowAt(row, column, shapeOf(data.kernel));
    signal.draw(cellsOf(data.signal, (_, i, j) => ({ open: true, marks: place([i, j]) > scene.step() ? "cw-ahead" : "" })));
    signal.setFrame(windowAt(row, column, [1, 1]));
    kernel.draw(cellsOf(data.kernel, () => ({ open: true })));
    stampTitle.head.textContent = `${short(value)} × filter`;
    stampTitle.below.textContent = "pasted in the frame";
    stamp.draw(cellsOf(mapped(data.kernel, (weight) => weight * value), undefined, largestOf(data.kernel) * largestOf(data.signal)));
    const sofar = pasted(data.signal, data.kernel, scene.step() + 1);
    result.draw(
      cellsOf(sofar, (_, i, j) => (within(frame, i, j) ? { note: plus(value * data.kernel[i - row][j - column]), marks: "cw-in" } : {}), largestOf(data.back)),
    );
    result.setFrame(frame);
  }

  return {
    element, draw,
    count: () => sizeOf(scene.data().signal),
    forget: () => (pixel = null), // the pointer leaves no element that is hidden
    explain: "Each number of the signal pastes its multiple of the filter onto a grid of the input's size.",
    told() {
      const { signal: sent, kernel: weights } = scene.data();
      if (pixel) {
        const ahead = mapped(sent, (value, i, j) => (place([i, j]) > scene.step() ? undefined : value));
        return { name: `result[${pixel.join(", ")}]${scene.step() < sizeOf(sent) - 1 ? " so far" : ""}`, terms: backTerms(ahead, weights, ...pixel) };
      }
      const [row, column] = [Math.floor(scene.at() / wide()), scene.at() % wide()];
      const [tall, across] = shapeOf(weights);
      return {
        name: `signal[${row}, ${column}]`,
        text: `${short(sent[row][column])} times the filter is added at rows ${row} to ${row + tall - 1}, columns ${column} to ${column + across - 1}`,
      };
    },
  };
}

const plus = (value) => (value === 0 ? "+0" : value > 0 ? `+${short(value)}` : short(value));

export function openGather(view, scene) {
  const wide = () => shapeOf(scene.data().back)[1];
  const place = ([row, column]) => row * wide() + column;
  const edge = () => shapeOf(scene.data().kernel).map((side) => side - 1);
  const signal = openMatrix(view, {
    label: "signal with zeros around",
    onEdit: (row, column, value) => scene.edit("signal")(row - edge()[0], column - edge()[1], value),
  });
  const kernel = openMatrix(view, { label: "filter", onEdit: scene.edit("kernel") });
  const turned = openMatrix(view, { label: "filter, flipped in both axes" });
  const result = openMatrix(view, {
    label: "result",
    onHover: (cell) => scene.look(cell && place(cell)),
    onPick: (cell) => scene.go(place(cell)),
  });
  const element = stage(
    titled(signal, "signal", "with zeros around it; edit it").element,
    joined("∗", stack(titled(kernel, "filter", "edit it").element, titled(turned, "flipped filter", "upside down, and left to right").element)),
    joined("→", titled(result, "result", "one sum in each cell").element),
  );

  function draw() {
    const data = scene.data();
    const [row, column] = [Math.floor(scene.at() / wide()), scene.at() % wide()];
    const [down, right] = edge();
    const frame = windowAt(row, column, shapeOf(data.kernel));
    const inside = windowAt(down, right, shapeOf(data.signal));
    const weights = flipped(data.kernel);
    signal.draw(
      cellsOf(padded(data.signal, down, right), (_, i, j) => ({
        open: within(inside, i, j),
        note: within(frame, i, j) ? timesNote(weights[i - row][j - column]) : "",
        marks: `${within(frame, i, j) ? "cw-in" : ""} ${within(inside, i, j) ? "" : "cw-padding"}`,
      })),
    );
    signal.setFrame(frame);
    kernel.draw(cellsOf(data.kernel, () => ({ open: true })));
    turned.draw(cellsOf(weights));
    result.draw(doneCells(data.back, scene.step(), scene.at()));
    result.setFrame(windowAt(row, column, [1, 1]));
  }

  return {
    element, draw,
    count: () => sizeOf(scene.data().back),
    explain: "The same numbers once more: slide the filter, flipped in both axes, over the signal with zeros around it.",
    told() {
      const [row, column] = [Math.floor(scene.at() / wide()), scene.at() % wide()];
      return { name: `result[${row}, ${column}]`, terms: backTerms(scene.data().signal, scene.data().kernel, row, column) };
    },
  };
}
