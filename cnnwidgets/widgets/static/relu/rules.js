// The three ways back through a ReLU.

import { short } from "../matrix/numbers.js";

// `looks` says which conditions a rule asks for: "f" is f > 0, "r" is R > 0.
export const RULES = [
  { key: "gradient", title: "Plain gradient", looks: "f" },
  { key: "deconvnet", title: "DeconvNet", looks: "r" },
  { key: "guided", title: "Guided backprop", looks: "fr" },
];

// Why a number does not go on: the letters of the conditions that fail, none where it goes on.
export function stoppedBy({ looks }, f, r) {
  return (looks.includes("f") && !(f > 0) ? "f" : "") + (looks.includes("r") && !(r > 0) ? "r" : "");
}

// What becomes of a cell, in the words of ReluRules.told.
export function ruleTold(f, r) {
  const [ofF, ofR] = [`f = ${short(f)}`, `R = ${short(r)}`];
  if (r === 0) return `${ofR}: there is nothing to pass on`;
  if (f > 0) {
    if (r > 0) return `${ofF} and ${ofR} are both positive: all three pass ${short(r)} on`;
    return `${ofR} is negative: DeconvNet and guided backprop stop here; the gradient passes ${short(r)} on`;
  }
  if (r > 0) {
    return `${ofF} is ${f < 0 ? "negative" : "not positive"}: gradient and guided backprop stop here; DeconvNet passes ${short(r)} on`;
  }
  const both = f < 0 ? `${ofF} and ${ofR} are both negative` : `neither ${ofF} nor ${ofR} is positive`;
  return `${both}: all three stop here`;
}
