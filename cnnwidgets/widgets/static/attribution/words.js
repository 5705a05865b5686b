// Values of a panel in words: with as many decimals as the end of its colours has, so that they do not dance.

import { number } from "../shared/dom.js";

export function valueText(value, limit, digits = 3) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "not a number" : value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(limit)));
  if (!(limit > 0) || decimals > 6) return number(value);
  const format = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return value.toLocaleString("en-US", format).replace(/^-(?=[0.]*$)/, "").replace("-", "−");
}

// The gradients of red, green and blue: two digits, and a power of ten for all, as they must stand in one line. What goes
// up has a plus.
export function channelsText(values, limit) {
  const power = limit > 0 ? Math.floor(Math.log10(limit) + 1e-9) : 0;
  const unit = power < -2 || power > 3 ? power : 0;
  const told = values.map((value, i) => `${"RGB"[i]} ${value > 0 ? "+" : ""}${valueText(value / 10 ** unit, limit / 10 ** unit, 2)}`);
  return unit ? [...told, `× 10${raised(unit)}`] : told;
}

const raised = (power) => [...String(power)].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[sign])).join("");

export function rangeText({ kind, numbers: { ends } }) {
  return kind === "heat" ? `max ${number(ends[1])}` : `${number(ends[0])} to ${number(ends[1])}`;
}
