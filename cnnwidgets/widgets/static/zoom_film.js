// A film that falls into a dream: how long, how fast; how far its making is; the film, and links to keep it.

import { bytesOf } from "./shared/bytes.js";
import { h, svg } from "./shared/dom.js";
import { openProgress, whole } from "./shared/progress.js";
import { openView } from "./shared/view.js";
import { openSetting } from "./dream/setting.js";

const FRAMES = [12, 24, 36, 48, 60, 72, 96, 120, 150, 180, 240, 300];
const SECONDS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30];
const ZOOMS = [1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.08, 1.1, 1.15, 1.2];
const STEPS_EACH = [1, 2, 3, 4, 5, 6, 8, 10, 15, 20];
const KINDS = { mp4: ["MP4", "video/mp4"], gif: ["GIF", "image/gif"] };

function render({ model, el }) {
  const view = openView(model, el, "film", "Zoom film");
  const range = (...args) => openSetting(view, ...args);
  const times = (factor) => `× ${factor < 10 ? factor.toFixed(1) : whole(Math.round(factor))}`;
  const settings = [
    range("n_frames", "pictures", { values: () => FRAMES, hint: "each is enlarged from the last, and dreamt upon" }),
    range("seconds", "length", { values: () => SECONDS, told: (n) => `${Number(n.toFixed(1))} s` }),
    range("zoom", "zoom", { values: () => ZOOMS, told: (n) => `${Number((100 * (n - 1)).toFixed(1))} %`, hint: "how much larger each picture is than the last" }),
    range("n_steps", "steps for each", { values: () => STEPS_EACH, hint: "of the dream, in each picture" }),
  ];
  const sum = h("span", { class: "cw-soft cw-film-sum" });
  const make = h("button", { type: "button", class: "cw-button cw-film-make" }, svg("M2 3.5h12v9H2zM5 3.5v9M11 3.5v9"), "Make the film");
  const stop = h("button", { type: "button", class: "cw-button cw-film-stop", title: "end the film with this picture" }, svg("M4 4h8v8H4z"), "End it here");
  const progress = openProgress("The film");
  const facts = h("span", { class: "cw-film-facts" });
  const busy = h("span", { class: "cw-film-busy" }, progress.element, facts);
  const message = h("span", { class: "cw-soft cw-film-message" });
  const stage = h("div", { class: "cw-film-stage" });
  const links = h("div", { class: "cw-film-links" });
  const caption = h("div", { class: "cw-soft" });
  view.body.append(
    h("div", { class: "cw-film-settings" }, ...settings.map((each) => each.element)),
    sum,
    h("div", { class: "cw-film-row" }, h("div", { class: "cw-film-buttons" }, make, stop), busy, message),
    h("figure", { class: "cw-film-figure" }, stage, h("figcaption", {}, caption, links)),
  );

  // -- showing --

  function drawSum() {
    const [frames, seconds, zoom] = ["n_frames", "seconds", "zoom"].map((trait) => model.get(trait));
    const fps = Number((frames / seconds).toFixed(1));
    sum.textContent = `${fps} picture${fps === 1 ? "" : "s"} a second; at the end, things are ${times(zoom ** (frames - 1))} as large`;
  }

  let was = false;
  function drawWork() {
    const now = model.get("running");
    const focused = document.activeElement;
    view.root.classList.toggle("cw-at-work", now);
    if (now && !was && focused === make) stop.focus({ preventScroll: true });
    if (!now && was && focused === stop) make.focus({ preventScroll: true });
    stop.setAttribute("aria-disabled", String(model.get("stopping")));
    busy.hidden = !now;
    message.hidden = now;
    message.textContent = message.title = model.get("message");
    if (was && !now) view.say(model.get("message") || "ended");
    was = now;
    drawProgress();
  }

  function drawProgress() {
    const [done, total, name] = ["done", "total", "stage"].map((trait) => model.get(trait));
    facts.textContent = `${name} ${total ? `${whole(done)} of ${whole(total)}` : ""}${model.get("stopping") ? ", ending" : ""}`;
    progress.show(done, total, facts.textContent);
  }

  const addresses = new Map(); // of the bytes as they are now

  function addressOf(trait) {
    const bytes = bytesOf(model.get(trait));
    const known = addresses.get(trait);
    if (known?.bytes.buffer === bytes.buffer && known?.bytes.length === bytes.length) return known.address;
    if (known) URL.revokeObjectURL(known.address);
    addresses.delete(trait);
    if (!bytes.length) return "";
    const type = KINDS[trait]?.[1] ?? "image/jpeg";
    const address = URL.createObjectURL(new Blob([bytes], { type }));
    addresses.set(trait, { bytes, address });
    return address;
  }
  view.signal.addEventListener("abort", () => addresses.forEach(({ address }) => URL.revokeObjectURL(address)));

  function drawFilm() {
    const [mp4, gif] = [addressOf("mp4"), addressOf("gif")];
    const preview = addressOf("_preview");
    const name = model.get("caption") || "zoom film";
    const isGrowing = model.get("running") && preview !== ""; // the film before has another caption
    if (isGrowing) put("preview", preview, () => h("img", { alt: "the film so far", src: preview }));
    else if (mp4) put("mp4", mp4, () => movie(mp4, gif, name));
    else if (gif) put("gif", gif, () => h("img", { alt: name, src: gif }));
    else put("", "", () => null);
    caption.textContent = isGrowing ? "" : model.get("caption");
    const made = Object.keys(KINDS).filter((each) => addresses.has(each));
    links.hidden = isGrowing || !made.length;
    links.replaceChildren(...made.map(link));
  }

  let shown = "";
  function put(kind, address, build) {
    if (shown === address) return;
    shown = address;
    const old = stage.firstElementChild;
    if (kind === "preview" && old?.matches("img.cw-film-preview")) {
      old.src = address; // no flicker
      return;
    }
    const built = build();
    if (built && kind === "preview") built.classList.add("cw-film-preview");
    stage.replaceChildren(...(built ? [built] : []));
  }

  function movie(address, instead, name) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const video = h("video", { src: address, loop: true, muted: true, playsinline: true, controls: true, autoplay: !calm, tabindex: 0, "aria-label": name });
    video.muted = true; // the attribute alone does not count for what is made by a script
    view.listen(video, "error", () => {
      if (instead && video.isConnected) stage.replaceChildren(h("img", { alt: name, src: instead })); // a browser without H.264
    });
    return video;
  }

  function link(trait) {
    const [told] = KINDS[trait];
    const size = bytesOf(model.get(trait)).length;
    const text = `Save as ${told} (${size < 1e6 ? `${Math.ceil(size / 1000)} kB` : `${(size / 1e6).toFixed(1)} MB`})`;
    const a = h("a", { class: "cw-button", href: addressOf(trait), download: `${model.get("file_name")}.${trait}`, tabindex: 0 }, svg("M8 2v8M4.5 7L8 10.5 11.5 7M3 13.5h10"), text);
    return a;
  }

  // -- what the hand does --

  function ask(kind) {
    view.flush(); // the kernel hears of the settings first
    model.send({ kind });
  }
  view.listen(make, "click", () => ask("make"));
  view.listen(stop, "click", () => stop.getAttribute("aria-disabled") === "true" || ask("stop"));

  view.on(["n_frames", "seconds", "zoom"], drawSum);
  view.on(["running", "stopping", "message"], drawWork);
  view.on(["done", "total", "stage"], drawProgress);
  view.on(["gif", "mp4", "_preview", "running", "caption", "file_name"], drawFilm);
  drawSum();
  drawWork();
  drawFilm();
  return view.close;
}

export default { render };
