// Numbers in the cells of a matrix.

const tidy = (value) => Number(value.toPrecision(12)); // 0.30000000000000004 is 0.3

// For a cell: 3, −0.25, 1.33, 2e6.
export function short(value) {
  const number = tidy(value);
  const size = Math.abs(number);
  const text = size && !(size >= 0.005 && size < 1e4) ? number.toExponential(0).replace("e+", "e") : String(Number(number.toFixed(2)));
  return text.replace(/^-0$/, "0").replaceAll("-", "−");
}

// While it is edited: all of it.
export const full = (value) => String(tidy(value)).replaceAll("-", "−");

// What somebody typed; NaN where it is not a number (yet).
export function typed(text) {
  const plain = text.trim().replaceAll("−", "-").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

export const bracketed = (value) => (value < 0 ? `(${short(value)})` : short(value));

// -- matrices --

export const shapeOf = (matrix) => [matrix.length, matrix[0].length];
export const mapped = (matrix, f) => matrix.map((row, i) => row.map((value, j) => f(value, i, j)));
export const largestOf = (...matrices) => Math.max(0, ...matrices.flat(2).map(Math.abs));

export function changed(matrix, row, column, value) {
  return mapped(matrix, (old, i, j) => (i === row && j === column ? value : old));
}
