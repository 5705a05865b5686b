// Elements of the page.

const FOCUSABLE = "button, input, select, textarea, [tabindex]";

// h("button", { class: "cw-button", type: "button" }, "Upload"): an element with attributes and children.
// JupyterLab listens to every key: with a canvas focused, "d d" would delete the notebook's cell. It leaves the keys alone
// only if the focused element itself says so, hence here, where none can be forgotten.
export function h(tag, attributes = {}, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) el.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) el.setAttribute(name, value);
  }
  el.append(...children);
  if (el.matches(FOCUSABLE)) el.dataset.lmSuppressShortcuts = "true";
  return el;
}

// The same for the few shapes that are drawn as SVG.
export function svg(path, size = 16) {
  const el = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  el.setAttribute("viewBox", "0 0 16 16");
  el.setAttribute("width", size);
  el.setAttribute("height", size);
  el.setAttribute("aria-hidden", "true");
  el.classList.add("cw-icon");
  const line = document.createElementNS(el.namespaceURI, "path");
  line.setAttribute("d", path);
  el.append(line);
  return el;
}

let count = 0;

// Names for elements that others refer to; the same widget may be in the page twice.
export function uniqueId(prefix) {
  count += 1;
  return `cw-${prefix}-${count}-${Math.random().toString(36).slice(2, 8)}`;
}

// onKeys(el, { ArrowLeft: () => ... }, signal): a key that is handled goes no further.
export function onKeys(el, actions, signal) {
  el.addEventListener(
    "keydown",
    (event) => {
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      if (action(event) === false) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { signal },
  );
}

export const clamp = (value, lo, hi) => Math.min(Math.max(value, lo), hi);

// Three digits that matter: 0.0123, 4.57, −1,230, 3.1e−7.
export function number(value) {
  if (value === 0) return "0";
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(1).replace("e+", "e").replaceAll("-", "−");
  const digits = Math.max(0, 2 - Math.floor(Math.log10(size)));
  return value
    .toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
    .replace("-", "−");
}
