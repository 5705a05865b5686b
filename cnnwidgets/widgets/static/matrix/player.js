// Steps one after another: play and pause, back and forth, a slider.

import { clamp, h, onKeys, svg } from "../shared/dom.js";

const PLAY = "M5 3l8 5-8 5z";
const PAUSE = "M5 3v10M11 3v10";

// The traits are step, playing and seconds; `count` gives the number of steps, `told` a step in words.
export function openPlayer(view, count, told) {
  const { model } = view;
  const button = (label, path) => h("button", { type: "button", class: "cw-button cw-square", "aria-label": label, title: label }, svg(path));
  const first = button("First step", "M4 3v10M12 3L6 8l6 5");
  const back = button("Step back", "M10 3L5 8l5 5");
  const play = button("Play", PLAY);
  const forth = button("Step on", "M6 3l5 5-5 5");
  const last = button("Last step", "M12 3v10M4 3l6 5-6 5");
  const slider = h("input", { type: "range", class: "cw-player-slider", min: 0, step: 1, "aria-label": "Step" });
  const place = h("span", { class: "cw-soft cw-player-place" });
  const element = h("div", { class: "cw-row cw-player" }, h("div", { class: "cw-player-buttons" }, first, back, play, forth, last), slider, place);
  let timer = 0;

  const step = () => model.get("step");

  function go(to) {
    view.set({ step: clamp(to, 0, count() - 1), playing: false });
  }

  function toggle() {
    const ended = step() >= count() - 1;
    view.set(model.get("playing") ? { playing: false } : { playing: true, step: ended ? 0 : step() });
  }

  // Every view waits anew after each step, whoever made it: so two views of a widget do not go twice as fast.
  function wait() {
    clearTimeout(timer);
    if (!model.get("playing")) return;
    timer = setTimeout(() => {
      const next = step() + 1;
      view.set({ step: clamp(next, 0, count() - 1), playing: next < count() - 1 });
    }, 1000 * model.get("seconds"));
  }
  view.signal.addEventListener("abort", () => clearTimeout(timer));

  function draw() {
    const playing = model.get("playing");
    slider.max = count() - 1; // before the value, which is clipped to it
    slider.value = step();
    slider.setAttribute("aria-valuetext", `step ${step() + 1} of ${count()}: ${told()}`);
    place.textContent = `step ${step() + 1} of ${count()}`;
    if ((play.dataset.shows === "pause") !== playing) {
      play.dataset.shows = playing ? "pause" : "play";
      play.replaceChildren(svg(playing ? PAUSE : PLAY));
      play.setAttribute("aria-label", playing ? "Pause" : "Play");
      play.title = playing ? "Pause" : "Play";
    }
    for (const each of [first, back]) each.setAttribute("aria-disabled", String(step() <= 0));
    for (const each of [forth, last]) each.setAttribute("aria-disabled", String(step() >= count() - 1));
  }

  view.listen(first, "click", () => go(0));
  view.listen(back, "click", () => go(step() - 1));
  view.listen(play, "click", toggle);
  view.listen(forth, "click", () => go(step() + 1));
  view.listen(last, "click", () => go(Infinity));
  view.listen(slider, "input", () => go(Number(slider.value)));
  view.listen(slider, "change", view.flush);
  onKeys(slider, { " ": toggle, Enter: toggle }, view.signal);
  view.on(["step", "playing", "seconds"], wait);
  wait();
  return { element, draw, go };
}
