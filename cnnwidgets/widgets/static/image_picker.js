// A gallery of pictures; one's own by upload, drop, paste or camera.

import { bytesOf, pictureOf } from "./shared/bytes.js";
import { clamp, h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openCamera } from "./picker/camera.js";
import { FileError, bytesToSend, fileOf } from "./picker/files.js";

function render({ model, el }) {
  const view = openView(model, el, "images", "Picture");
  const id = uniqueId("picture");
  const preview = h("div", { class: "cw-images-preview" });
  const caption = h("div", { class: "cw-images-name" });
  const credit = h("div", { class: "cw-images-credit cw-soft" });
  const gallery = h("div", { id, class: "cw-images-gallery", role: "listbox", tabindex: 0, "aria-label": "Pictures" });
  const chooser = h("input", { type: "file", accept: "image/*,.tif,.tiff", hidden: true });
  const upload = h("button", { type: "button", class: "cw-button" }, svg("M8 11V3M5 6l3-3 3 3M3 10v3h10v-3"), "Upload");
  const camera = h("button", { type: "button", class: "cw-button" }, svg("M2 5h3l1-2h4l1 2h3v8H2zM8 11a2.5 2.5 0 100-5 2.5 2.5 0 000 5"), h("span", {}, "Camera"));
  const hint = h("span", { class: "cw-soft cw-images-hint" }, "or drop or paste a picture here");
  const busy = h("span", { class: "cw-soft", hidden: true }, "reading …");
  const figure = h("figure", { class: "cw-images-figure" }, preview, caption, credit);
  view.body.append(
    figure,
    h("div", { class: "cw-images-side" }, gallery, h("div", { class: "cw-row" }, upload, camera, chooser, hint, busy)),
  );

  // -- the gallery --

  let sheet = null;
  let active = 0;

  async function readSheet() {
    const bytes = model.get("_atlas");
    const picture = await pictureOf(bytes);
    if (view.signal.aborted || bytes !== model.get("_atlas")) return; // closed, or a newer one has come
    sheet?.close();
    sheet = picture;
    drawGallery();
  }

  function drawGallery() {
    const titles = model.get("_titles");
    const tile = model.get("_tile");
    const columns = sheet ? Math.max(1, Math.round(sheet.width / tile)) : 1;
    gallery.replaceChildren(
      ...titles.map((title, i) => {
        const canvas = h("canvas", { width: tile, height: tile, "aria-hidden": "true" });
        const [x, y] = [(i % columns) * tile, Math.floor(i / columns) * tile];
        if (sheet && y < sheet.height) canvas.getContext("2d").drawImage(sheet, x, y, tile, tile, 0, 0, tile, tile);
        return h("div", { id: `${id}-${i}`, role: "option", class: "cw-images-tile", title, "aria-label": title, "data-index": i }, canvas);
      }),
    );
    gallery.hidden = !titles.length;
    mark();
  }

  function mark() {
    const index = model.get("index");
    const focused = document.activeElement === gallery;
    [...gallery.children].forEach((tile, i) => {
      tile.setAttribute("aria-selected", String(i === index));
      tile.classList.toggle("cw-active", focused && i === active);
    });
    if (gallery.children.length) gallery.setAttribute("aria-activedescendant", `${id}-${active}`);
    credit.textContent = credit.title = model.get("_credits")[index] ?? "";
    caption.textContent = caption.title = index >= 0 ? (model.get("_titles")[index] ?? "") : model.get("name");
  }

  function move(to) {
    active = clamp(to, 0, gallery.children.length - 1);
    mark();
    gallery.children[active]?.scrollIntoView({ block: "nearest", inline: "nearest" });
    view.say(model.get("_titles")[active] ?? "");
  }

  function choose(index) {
    if (live.running()) live.stop();
    active = index;
    view.set({ index });
    view.say(`${model.get("_titles")[index]} chosen`);
  }

  // Tiles in a row, as they have wrapped.
  function across() {
    const top = gallery.firstChild?.offsetTop;
    return Math.max(1, [...gallery.children].findIndex((tile) => tile.offsetTop !== top)) || gallery.children.length;
  }

  onKeys(
    gallery,
    {
      ArrowRight: () => move(active + 1),
      ArrowLeft: () => move(active - 1),
      ArrowDown: () => move(active + across() < gallery.children.length ? active + across() : active),
      ArrowUp: () => move(active - across() >= 0 ? active - across() : active),
      Home: () => move(0),
      End: () => move(Infinity),
      Enter: () => choose(active),
      " ": () => choose(active),
    },
    view.signal,
  );
  view.listen(gallery, "click", (event) => {
    const tile = event.target.closest("[role=option]");
    if (tile) choose(Number(tile.dataset.index));
  });
  view.listen(gallery, "focus", () => {
    active = Math.max(0, model.get("index"));
    mark();
  });
  view.listen(gallery, "blur", mark);

  // -- the chosen picture --

  async function readPreview() {
    const bytes = model.get("_preview");
    figure.hidden = !bytesOf(bytes).length && !live.running(); // nothing is chosen: no hole beside the gallery
    const picture = await pictureOf(bytes);
    if (view.signal.aborted || bytes !== model.get("_preview") || live.running()) return picture?.close();
    const canvas = h("canvas", { role: "img", "aria-label": model.get("name") });
    if (picture) {
      const { width, height } = picture;
      Object.assign(canvas, { width, height });
      // small pictures are shown as large as others
      canvas.style.width = `${100 * Math.min(1, width / height)}%`;
      canvas.getContext("2d").drawImage(picture, 0, 0);
      picture.close();
    }
    preview.replaceChildren(canvas);
  }

  // -- pictures of one's own --

  const fail = (text) => view.set({ error: text });
  let slow = 0;
  const wait = (on) => {
    clearTimeout(slow);
    busy.textContent = "reading …";
    if (on) slow = setTimeout(() => (busy.textContent = "waiting for the kernel …"), 3000);
    busy.hidden = !on;
    hint.hidden = on;
  };
  view.signal.addEventListener("abort", () => clearTimeout(slow));

  async function take(file) {
    if (!file) return;
    if (live.running()) live.stop();
    wait(true);
    model.set("error", "");
    try {
      const bytes = await bytesToSend(file);
      if (!view.signal.aborted) model.send({ kind: "upload", name: file.name || "pasted picture" }, undefined, [bytes]);
    } catch (error) {
      wait(false);
      fail(error instanceof FileError ? error.message : `${file.name} could not be read: ${error.message}`);
    }
  }

  view.listen(upload, "click", () => chooser.click());
  view.listen(chooser, "change", () => {
    take(chooser.files[0]);
    chooser.value = ""; // so that the same file can be chosen again
  });
  view.listen(view.root, "dragover", (event) => {
    if (![...event.dataTransfer.types].includes("Files")) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would upload it to the server
    view.root.classList.add("cw-dropping");
  });
  view.listen(view.root, "dragleave", (event) => {
    if (!view.root.contains(event.relatedTarget)) view.root.classList.remove("cw-dropping");
  });
  view.listen(view.root, "drop", (event) => {
    view.root.classList.remove("cw-dropping");
    const file = fileOf(event.dataTransfer);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    take(file);
  });
  view.listen(view.root, "paste", (event) => {
    const file = fileOf(event.clipboardData);
    if (!file) return;
    event.preventDefault();
    event.stopPropagation(); // JupyterLab would paste a cell
    take(file);
  });

  // -- the camera --

  const live = openCamera(
    view,
    (video) => {
      camera.lastChild.textContent = video ? "Stop" : "Camera";
      camera.setAttribute("aria-pressed", String(video !== null));
      if (video) {
        figure.hidden = false;
        preview.replaceChildren(video);
      } else readPreview();
    },
    fail,
  );
  view.listen(camera, "click", () => (live.running() ? live.stop() : live.start()));

  view.on("_atlas", readSheet);
  view.on(["index", "name", "_titles", "_credits"], mark);
  view.on("_preview", readPreview);
  view.on(["_atlas", "error", "index"], () => wait(false));
  view.signal.addEventListener("abort", () => sheet?.close());
  drawGallery();
  readSheet();
  readPreview();
  return view.close;
}

export default { render };
