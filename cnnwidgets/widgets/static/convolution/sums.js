// A convolution and the way back, with the products behind each number.

import { bracketed, mapped, shapeOf, short } from "../matrix/numbers.js";

const zeros = (rows, columns) => Array.from({ length: rows }, () => Array(columns).fill(0));

// Cell on cell, without flipping the filter: what networks call a convolution.
export function correlate(x, kernel) {
  const [rows, columns] = shapeOf(x);
  const [tall, wide] = shapeOf(kernel);
  return mapped(zeros(rows - tall + 1, columns - wide + 1), (_, row, column) => total(forwardTerms(x, kernel, row, column)));
}

export const flipped = (kernel) => [...kernel].reverse().map((row) => [...row].reverse());

export function padded(signal, down, right) {
  const [rows, columns] = shapeOf(signal);
  return mapped(zeros(rows + 2 * down, columns + 2 * right), (_, i, j) => signal[i - down]?.[j - right] ?? 0);
}

// Each of the first `steps` numbers of the signal pastes its multiple of the filter.
export function pasted(signal, kernel, steps) {
  const [rows, columns] = shapeOf(signal);
  const [tall, wide] = shapeOf(kernel);
  const grid = zeros(rows + tall - 1, columns + wide - 1);
  for (let step = 0; step < Math.min(steps, rows * columns); step++) {
    const [row, column] = [Math.floor(step / columns), step % columns];
    for (let i = 0; i < tall; i++) for (let j = 0; j < wide; j++) grid[row + i][column + j] += signal[row][column] * kernel[i][j];
  }
  return grid;
}

// -- the products behind one number, as pairs --

export function forwardTerms(x, kernel, row, column) {
  return kernel.flatMap((weights, i) => weights.map((weight, j) => [x[row + i][column + j], weight]));
}

// From the last weight to the first, so that the flipped filter reads from left to right; without those in the padding.
export function backTerms(signal, kernel, row, column) {
  const [tall, wide] = shapeOf(kernel);
  const terms = [];
  for (let i = tall - 1; i >= 0; i--) {
    for (let j = wide - 1; j >= 0; j--) {
      const value = signal[row - i]?.[column - j];
      if (value !== undefined) terms.push([value, kernel[i][j]]);
    }
  }
  return terms;
}

export const total = (terms) => terms.reduce((sum, [a, b]) => sum + a * b, 0);

export function sumTold(terms) {
  if (!terms.length) return "0";
  return `${terms.map(([a, b]) => `${short(a)}×${bracketed(b)}`).join(" + ")} = ${short(total(terms))}`;
}
