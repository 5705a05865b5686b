// A picture, a change to it, and what a network says as the change grows.

import { bytesOf, floatsOf } from "./shared/bytes.js";
import { clamp, h, number, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openBars, openPicture, percentOf, valuesOf } from "./change/pictures.js";
import { openCurves, openSearch } from "./change/plots.js";
import { openChoice } from "./occlusion/choice.js";

const BARS = 5;

function render({ model, el }) {
  const view = openView(model, el, "change", "A picture, a change to it, and what the network says");
  // what pictures, bars and plots share
  const scene = {
    rows: 0, columns: 0, plane: 0, pixels: [], change: [], scales: [], kept: [], names: [], search: [],
    place: 0, share: 1, factor: 1, pixel: null, setPixel, mark, probability,
  };
  let all = new Float32Array(0);
  let said = new Float32Array(0);

  function mark(index) {
    const [before, target] = model.get("marked");
    return index === target ? "target" : index === before ? "before" : "";
  }

  function probability(place, i) {
    const { scales, kept } = scene;
    return said[(model.get("chosen") * scales.length + place) * kept.length + i];
  }

  // -- elements --

  const values = valuesOf(scene);
  const before = openPicture(view, scene, { label: "Before", smooth: true, value: values.before });
  const change = openPicture(view, scene, { label: "The change", smooth: false, value: values.change });
  const after = openPicture(view, scene, { label: "After", smooth: true, value: values.after });
  const pictures = [before, change, after];
  const [bars, barsAfter] = [openBars("Most probable before"), openBars("Most probable after")];
  const [name, nameAfter] = [h("div", { class: "cw-title" }), h("div", { class: "cw-title" })];
  const factor = h("input", { type: "range", class: "cw-change-factor", min: 0, step: 1, "aria-label": "how many times as strong the change is shown" });
  const strong = h("span");
  const automatic = h("input", { type: "checkbox" });
  const size = h("div", { class: "cw-soft cw-change-size" });
  const tuning = h("div", { class: "cw-change-tuning" }, h("div", {}, "shown ", strong), factor, h("label", { class: "cw-check" }, automatic, "automatic"));
  const sign = (text) => h("div", { class: "cw-change-sign", "aria-hidden": "true" }, text);
  const panel = (title, picture, ...below) => h("div", { class: "cw-change-panel" }, title, picture.canvas, ...below);
  const choice = openChoice(view, "change", () => "");
  const reading = h("div", { class: "cw-soft cw-change-reading" });

  const slider = h("input", { type: "range", class: "cw-change-share", min: 0, step: 1, "aria-label": "how much of the change is added" });
  const legend = h("div", { class: "cw-change-legend" });
  const curves = openCurves(view, scene, (share) => setShare(share));
  const waiting = h("div", { class: "cw-soft cw-change-waiting" }, "The curves are computed once the search is over.");
  const search = openSearch(view, scene);
  const searched = h(
    "div", { class: "cw-change-block" },
    h("div", { class: "cw-title" }, "The search"),
    h("div", { class: "cw-soft cw-change-legend" }, h("span", {}, "size in grey levels, ", h("i", { class: "cw-change-dot" }), " where it works")),
    search.canvas,
  );
  const grown = h(
    "div", { class: "cw-change-block cw-change-wide" },
    h("div", { class: "cw-title" }, "As the change grows"), legend, waiting, curves.canvas, slider,
  );
  const facts = h("dl", { class: "cw-change-facts" });
  view.body.append(
    choice.element,
    h(
      "div", { class: "cw-change-row" },
      panel(h("div", { class: "cw-title" }, "Before"), before, bars.element), sign("+"),
      panel(name, change, tuning, size), sign("="),
      panel(nameAfter, after, barsAfter.element),
    ),
    reading,
    h("div", { class: "cw-change-row cw-change-plots" }, grown, searched),
    facts,
  );

  // -- what is read --

  function read() {
    [scene.rows, scene.columns] = model.get("_size");
    scene.plane = scene.rows * scene.columns;
    scene.pixels = bytesOf(model.get("_pixels"));
    all = floatsOf(model.get("_values"));
    said = floatsOf(model.get("_probabilities"));
    scene.scales = floatsOf(model.get("scales"));
    scene.kept = model.get("_kept");
    scene.names = model.get("_kept_names");
    const whole = scene.pixels.length === 3 * scene.plane && all.length === 3 * scene.plane * model.get("_names").length;
    const known = said.length === scene.scales.length * scene.kept.length * model.get("_names").length;
    if (!whole || !known || !scene.plane) scene.rows = 0; // closed, or not all of it has come
    view.body.hidden = !scene.rows;
    view.body.style.setProperty("--cw-change-width", `${model.get("width")}px`);
    view.body.style.setProperty("--cw-change-shape", scene.rows ? `${scene.columns} / ${scene.rows}` : "1");
    scene.pixel = null;
    readChange();
    before.refresh();
  }

  function readChange() {
    if (!scene.rows || !model.get("_names").length) return;
    const chosen = clamp(model.get("chosen"), 0, model.get("_names").length - 1);
    scene.change = all.subarray(chosen * 3 * scene.plane, (chosen + 1) * 3 * scene.plane);
    const names = model.get("_names");
    choice.draw(names, names[chosen]);
    choice.element.hidden = names.length < 2;
    name.textContent = names[chosen];
    size.textContent = model.get("_told")[chosen];
    readFactor();
    readShare();
    drawLegend();
  }

  function readFactor() {
    if (!scene.rows) return;
    const offered = model.get("_offered");
    scene.factor = model.get("automatic") ? model.get("_factors")[model.get("chosen")] : model.get("factor");
    factor.max = offered.length - 1;
    factor.value = offered.findLastIndex((each) => each <= scene.factor);
    const told = scene.factor === 1 ? "as strong as it is" : `${Number(scene.factor.toFixed(1))} times as strong`;
    strong.textContent = told;
    factor.setAttribute("aria-valuetext", told);
    automatic.checked = model.get("automatic");
    change.refresh();
  }

  function readShare() {
    if (!scene.rows) return;
    const { scales } = scene;
    const wanted = model.get("scale");
    let place = 0;
    scales.forEach((each, i) => Math.abs(each - wanted) < Math.abs(scales[place] - wanted) && (place = i));
    Object.assign(scene, { place, share: scales[place] });
    const told = `${Math.round(100 * scene.share)} %`;
    nameAfter.textContent = scene.share === 1 ? "After" : `After, with ${told} of it`;
    slider.max = scales.length - 1;
    slider.value = place;
    slider.disabled = scales.length < 3;
    slider.hidden = curves.canvas.hidden = legend.hidden = slider.disabled;
    waiting.hidden = !slider.disabled;
    slider.setAttribute("aria-valuetext", `${told} of the change: ${rowsAt(place).slice(0, 1).map((row) => `${row.name} ${percentOf(row.probability)}`)}`);
    bars.show(rowsAt(0));
    barsAfter.show(rowsAt(place));
    after.refresh();
    curves.repaint();
  }

  function rowsAt(place) {
    const rows = scene.kept.map((index, i) => ({ name: scene.names[i], probability: probability(place, i), mark: mark(index) && `cw-of-${mark(index)}` }));
    const key = ({ probability }) => (Number.isNaN(probability) ? -1 : probability);
    return rows.sort((a, b) => key(b) - key(a)).slice(0, BARS);
  }

  function drawLegend() {
    const named = scene.kept.map((index, i) => [mark(index), scene.names[i]]).filter(([marked]) => marked);
    named.sort(([a]) => (a === "before" ? -1 : 1));
    const others = scene.kept.length > named.length ? [["", "others"]] : [];
    legend.replaceChildren(...[...named, ...others].map(([marked, text]) => h("span", { class: "cw-change-key" }, h("i", { class: marked ? `cw-of-${marked}` : "" }), text)));
    const told = named.map(([, text]) => `${text} ${percentOf(probability(0, scene.names.indexOf(text)))} at first`);
    curves.canvas.setAttribute("aria-label", `Probability of each class by the share of the change: ${told.join(", ")}. The slider below moves along it.`);
  }

  function readSearch() {
    scene.search = floatsOf(model.get("search"));
    searched.hidden = !scene.search.length;
    const steps = scene.search.length / 2;
    search.canvas.setAttribute("aria-label", `Size of the change at each of ${steps} steps`);
    search.repaint();
  }

  function readFacts() {
    facts.replaceChildren(...model.get("facts").flatMap(([term, text]) => [h("dt", { class: "cw-soft" }, term), h("dd", {}, text)]));
    facts.hidden = !model.get("facts").length;
  }

  // -- the pixel under the pointer --

  function setPixel(pixel, aloud = false) {
    if (String(pixel) === String(scene.pixel)) return;
    scene.pixel = pixel;
    for (const each of pictures) each.repaint();
    reading.textContent = pixel ? tell(pixel) : "Point at a picture to read its pixels.";
    if (aloud) view.say(reading.textContent);
  }

  function tell([row, column]) {
    const i = row * scene.columns + column;
    const parts = ["R", "G", "B"].map((letter, c) => {
      const by = scene.share * scene.change[c * scene.plane + i];
      return `${letter} ${scene.pixels[3 * i + c]} ${by < 0 ? "−" : "+"} ${number(Math.abs(by))}`;
    });
    return `row ${row}, column ${column}: ${parts.join(" · ")}`;
  }

  // -- what the hand does --

  function setShare(share) {
    if (share === model.get("scale")) return;
    view.set({ scale: share });
    view.say(slider.getAttribute("aria-valuetext"));
  }
  const toPlace = (place) => scene.scales.length > 2 && setShare(scene.scales[clamp(place, 0, scene.scales.length - 1)]);
  const toFactor = (place) => {
    const offered = model.get("_offered");
    view.set({ factor: offered[clamp(place, 0, offered.length - 1)], automatic: false });
  };
  // arrow keys of sliders are dead in Notebook 7.6, which takes them for itself
  for (const [input, go] of [[slider, toPlace], [factor, toFactor]]) {
    const step = (by) => go(Number(input.value) + by);
    view.listen(input, "input", () => go(Number(input.value)));
    view.listen(input, "change", view.flush);
    onKeys(
      input,
      { ArrowLeft: () => step(-1), ArrowDown: () => step(-1), ArrowRight: () => step(1), ArrowUp: () => step(1), Home: () => go(0), End: () => go(Infinity) },
      view.signal,
    );
  }
  view.listen(automatic, "change", () => view.set(automatic.checked ? { automatic: true } : { factor: scene.factor, automatic: false }));
  choice.onChoose((text) => {
    view.set({ chosen: model.get("_names").indexOf(text) });
    view.say(`${text}: ${size.textContent}`);
  });

  // -- what changes --

  view.on(["_size", "_pixels", "_values", "_probabilities", "scales", "_kept", "_kept_names", "_names", "_told", "_factors", "marked", "width"], view.eachFrame(read));
  view.on("chosen", readChange);
  view.on(["factor", "automatic"], readFactor);
  view.on("scale", readShare);
  view.on("search", readSearch);
  view.on("facts", readFacts);
  reading.textContent = "Point at a picture to read its pixels.";
  read();
  readSearch();
  readFacts();
  return view.close;
}

export default { render };
