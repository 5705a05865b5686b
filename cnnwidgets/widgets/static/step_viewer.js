// Pictures that change step by step: the newest as it comes, earlier ones by a slider.

import { bytesOf } from "./shared/bytes.js";
import { h, onKeys } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { readStep } from "./steps/read.js";
import { openSave } from "./steps/save.js";
import { openTiles } from "./steps/tiles.js";

function render({ model, el }) {
  const view = openView(model, el, "steps", "Pictures step by step");
  const title = h("div", { class: "cw-title" });
  const message = h("div", { class: "cw-soft cw-steps-message" });
  const caption = h("div", { class: "cw-steps-below" });
  const read = h("span", { class: "cw-soft cw-steps-read" });
  const tiles = openTiles(view, (text) => (read.textContent = text));
  const slider = h("input", { type: "range", class: "cw-steps-slider", min: 0, step: 1, "aria-label": "Step" });
  const place = h("span", { class: "cw-steps-place" });
  const newest = h("button", { type: "button", title: "The newest step, and those that follow" }, "newest");
  const best = h("button", { type: "button", title: "Each picture when it was worth most" }, "best");
  const choice = h("span", { class: "cw-choice" }, newest, best);
  const save = openSave(view, tiles.canvases, () => `${model.get("file_name")} ${step?.told ?? ""}`.trim().replaceAll(/[^\w .-]+/g, "_"));
  const tools = h("div", { class: "cw-row cw-steps-tools" }, slider, place, choice, save, read);
  view.body.append(title, message, tiles.element, caption, tools);

  let step = null; // what is drawn
  let drawn; // the bytes that it was read from
  let isReading = false;
  let told = model.get("_serial"); // the last that the kernel knows to be seen

  // -- which step --

  const order = () => model.get("_order");
  const bestShown = () => model.get("best_shown") && bytesOf(model.get("_best")).length > 0;
  // Place in the order of the step that is shown: the nearest to the one that is wanted.
  function index() {
    const steps = order();
    const wanted = model.get("position");
    if (wanted === null || !steps.length) return steps.length - 1;
    const far = steps.map(([number]) => Math.abs(number - wanted));
    return far.indexOf(Math.min(...far));
  }
  function wanted() {
    if (bestShown()) return model.get("_best");
    const slot = order()[index()]?.[1];
    return slot === undefined ? null : model.get(`_slot_${slot}`);
  }

  // One at a time, and then the one that is wanted by then: never out of order, and none is waited for that is old.
  async function follow() {
    if (isReading) return;
    isReading = true;
    try {
      for (let bytes = wanted(); bytes !== drawn; bytes = wanted()) {
        const next = await readStep(bytes);
        if (!view.signal.aborted) {
          [step, drawn] = [next, bytes];
          tiles.draw(step ?? { pictures: [] });
        }
        next?.pictures.forEach((picture) => picture?.close());
        if (view.signal.aborted) return;
        refresh();
      }
    } finally {
      isReading = false;
    }
    const serial = model.get("_serial");
    if (serial !== told) model.send({ kind: "seen", serial: (told = serial) });
  }
  const followSoon = view.eachFrame(() => {
    refresh(); // the slider follows at once, the pictures when they are read
    follow();
  });

  // -- texts and controls --

  function refresh() {
    const steps = order();
    title.textContent = model.get("title");
    title.hidden = !title.textContent;
    message.textContent = steps.length ? "" : model.get("message") || "no pictures yet";
    message.hidden = !message.textContent;
    tiles.element.hidden = !steps.length;
    tiles.label(step);
    caption.textContent = model.get("caption");
    caption.hidden = !caption.textContent;
    const at = index();
    const hasBest = bytesOf(model.get("_best")).length > 0;
    slider.max = Math.max(0, steps.length - 1); // before the value, which is clipped to it
    slider.value = Math.max(0, at);
    slider.disabled = steps.length < 2;
    place.textContent = step?.told ?? "";
    slider.setAttribute("aria-valuetext", `${place.textContent}${model.get("position") === null ? ", the newest" : ""}`);
    newest.setAttribute("aria-pressed", String(!bestShown() && model.get("position") === null));
    best.setAttribute("aria-pressed", String(bestShown()));
    best.hidden = !hasBest;
    choice.classList.toggle("cw-alone", !hasBest);
    save.hidden = !model.get("can_save");
    read.hidden = !model.get("read_colours");
    tools.hidden = !steps.length;
  }

  function goTo(at) {
    const steps = order();
    if (!steps.length) return;
    const position = at >= steps.length - 1 ? null : steps[Math.max(0, at)][0];
    view.set({ position, best_shown: false });
  }
  view.listen(slider, "input", () => goTo(Number(slider.value)));
  view.listen(slider, "change", () => {
    view.flush();
    view.say(place.textContent);
  });
  // a slider that is at its end does not move: it shall follow what comes; arrow keys of sliders are dead in Notebook 7.6
  const walk = (by) => goTo(index() + by);
  const ends = { Home: () => goTo(0), End: () => goTo(Infinity), Escape: () => goTo(Infinity) };
  const arrows = { ArrowLeft: () => walk(-1), ArrowDown: () => walk(-1), ArrowRight: () => walk(1), ArrowUp: () => walk(1) };
  onKeys(slider, { ...arrows, ...ends }, view.signal);
  view.listen(newest, "click", () => goTo(Infinity));
  view.listen(best, "click", () => view.set({ best_shown: true }));

  const slots = Array.from({ length: model.get("_slots") }, (_, place) => `_slot_${place}`);
  view.on(["_order", "_best", "_serial", "position", "best_shown", ...slots], followSoon);
  view.on(["title", "titles", "caption", "message", "width", "smooth", "selected", "can_select", "can_save", "read_colours"], view.eachFrame(refresh));
  refresh();
  follow();
  return view.close;
}

export default { render };
