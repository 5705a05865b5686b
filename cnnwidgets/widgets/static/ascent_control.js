// How an image ascends: a preset by its name, and a slider for each of its parts.

import { h, number, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openStops } from "./ascent/stops.js";
import { openChoice } from "./occlusion/choice.js";

const OPTIMISERS = { plain: "along the gradient", normalised: "normalised", adam: "Adam" };
const SPACES = { pixels: "pixels", fourier: "Fourier" };
const SPACE_HINTS = {
  pixels: "each pixel is changed on its own: steps change mostly the finest structure",
  Fourier: "independent frequencies and colours are changed: steps change coarse and fine structure alike",
};
const per = (unit) => (value) => (value ? `${value}${unit}` : "off");
const short = (value) => number(value).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
const plain = (value) => (value ? short(value) : "off");
const WEIGHTS = [0, 1e-4, 3e-4, 0.001, 0.003, 0.01, 0.02, 0.03, 0.1, 0.3, 1];
const GROUPS = {
  "subtracted from the score": {
    l2: { label: "L2 norm, λ", stops: WEIGHTS, told: plain, hint: "λ times the squared norm of the image: strong colours are dear (Simonyan 2014)" },
    variation: { label: "total variation", stops: WEIGHTS, told: plain, hint: "differences between neighbouring pixels are dear" },
  },
  "after each step": {
    decay: { label: "decay", stops: [0, 0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2], told: (value) => (value ? `${Number((100 * value).toFixed(2))} %` : "off"), hint: "the image shrinks towards the mean: what is not renewed fades" },
    sigma: { label: "blur", stops: [0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.5, 2, 3], told: per(" px"), hint: "standard deviation of a Gaussian blur: fine structure is lost" },
    every: { label: "blur every", stops: [1, 2, 3, 4, 6, 8, 10, 16], told: (value) => (value === 1 ? "step" : `${value} steps`), hint: "the image is blurred after so many steps" },
    clip_norm: { label: "clip norm", stops: [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95], told: per(" %"), hint: "so many of the pixels become zero, those of the smallest norm" },
    clip_contribution: { label: "clip contribution", stops: [0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95], told: per(" %"), hint: "so many of the pixels become zero, those that the score would miss least" },
  },
  "before the network looks": {
    jitter: { label: "move", stops: [0, 1, 2, 3, 4, 6, 8, 12, 16, 24], told: (value) => (value ? `±${value} px` : "off"), hint: "moved at random by so many pixels: what only works in one place does not help" },
    scale: { label: "scale", stops: [0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5], told: (value) => (value ? `±${Number((100 * value).toFixed(1))} %` : "off"), hint: "made smaller or larger at random" },
    rotation: { label: "turn", stops: [0, 1, 2, 3, 5, 10, 15, 20, 30, 45], told: (value) => (value ? `±${value}°` : "off"), hint: "turned at random by so many degrees, either way" },
  },
};
const RATES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000];

function render({ model, el }) {
  const view = openView(model, el, "ascent", "How the image ascends");
  const title = h("span", { class: "cw-title cw-ascent-title" });
  const presets = h("div", { class: "cw-ascent-presets", role: "group", "aria-label": "settings by name" });
  const told = h("div", { class: "cw-soft cw-ascent-told" });
  const optimiser = h("select", { "aria-label": "steps", title: "what a step is made of" }, ...Object.entries(OPTIMISERS).map(([value, text]) => h("option", { value }, text)));
  const space = openChoice(view, "space", (name) => SPACE_HINTS[name]);
  const rate = openStops(view, "rate", { label: "size", name: "size of a step", stops: RATES, told: short, hint: "size of a step" });
  const groups = Object.entries(GROUPS).map(([heading, parts]) =>
    h(
      "div", { class: "cw-ascent-group", role: "group", "aria-label": heading },
      h("div", { class: "cw-label" }, heading),
      ...Object.entries(parts).map(([trait, options]) => openStops(view, trait, options).element),
    ),
  );
  const steps = h(
    "div", { class: "cw-ascent-group", role: "group", "aria-label": "steps" },
    h("div", { class: "cw-label" }, "steps"),
    h("div", { class: "cw-ascent-steps" }, optimiser, space.element),
    rate.element,
  );
  const [subtracted, after, before] = groups;
  view.body.append(
    h("div", { class: "cw-ascent-head" }, title, presets),
    told,
    h("div", { class: "cw-ascent-groups" }, h("div", { class: "cw-ascent-column" }, steps, subtracted), after, before),
  );

  function draw() {
    title.textContent = model.get("title");
    title.hidden = !title.textContent;
    const offered = model.get("_presets");
    if (presets.children.length !== offered.length) {
      presets.replaceChildren(...offered.map(([name, text]) => h("button", { type: "button", class: "cw-chip", "data-name": name, title: text }, name)));
    }
    const now = model.get("preset");
    for (const chip of presets.children) chip.setAttribute("aria-pressed", String(chip.dataset.name === now));
    told.textContent = offered.find(([name]) => name === now)?.[1] ?? "Settings of your own.";
    optimiser.value = model.get("optimiser");
    space.draw(Object.values(SPACES), SPACES[model.get("space")]);
    const isBlurred = model.get("sigma") > 0;
    const every = view.body.querySelector(".cw-stops-every");
    every.disabled = !isBlurred;
    every.parentElement.classList.toggle("cw-stops-off", !isBlurred);
  }

  view.listen(presets, "click", (event) => {
    const preset = event.target.closest("button")?.dataset.name;
    if (!preset) return;
    view.set({ preset });
    view.flush();
    view.say(`${preset}: ${told.textContent}`);
  });
  const step = (by) => {
    const chips = [...presets.children];
    chips[chips.indexOf(document.activeElement) + by]?.focus({ preventScroll: true });
  };
  onKeys(presets, { ArrowLeft: () => step(-1), ArrowRight: () => step(1) }, view.signal);
  view.listen(optimiser, "change", () => view.set({ optimiser: optimiser.value }));
  space.onChoose((name) => view.set({ space: Object.keys(SPACES).find((key) => SPACES[key] === name) }));
  view.on(["title", "preset", "optimiser", "space", "sigma", "_presets"], draw);
  draw();
  return view.close;
}

export default { render };
