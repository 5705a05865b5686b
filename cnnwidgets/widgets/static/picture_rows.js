// Rows of pictures with labels, numbers, ticks and crosses; beside them the picture that was asked for.

import { bytesOf, pictureOf } from "./shared/bytes.js";
import { clamp, h, onKeys, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";
import { openCount } from "./rows/count.js";
import { drawRow, openRow, pictureBox } from "./rows/row.js";
import { openUpload } from "./rows/upload.js";

const PATIENCE = 600; // milliseconds after which it is said that what was chosen is not shown yet

function render({ model, el }) {
  const view = openView(model, el, "rows", "Pictures");
  const title = h("div", { class: "cw-title" });
  const message = h("div", { class: "cw-soft cw-rows-message" });
  const groupId = uniqueId("group");
  const groups = h("select", { id: groupId });
  const group = h("span", { class: "cw-rows-group" }, h("label", { for: groupId, class: "cw-label" }, "show"), groups);
  const lots = h("button", { type: "button", class: "cw-button" }, "Random");
  const count = openCount(view, mostTiles, drawCount);
  const upload = openUpload(view);
  const tools = h("div", { class: "cw-row cw-rows-tools" }, title, group, count.element, lots, upload.element);
  const asked = h("figure", { class: "cw-rows-asked" });
  const list = h("div", { class: "cw-rows-list" });
  view.body.append(tools, message, h("div", { class: "cw-rows-main" }, asked, list));

  const unanswered = h("div", { class: "cw-soft cw-rows-unanswered", hidden: true });

  let pictures = []; // those that are drawn
  let rows = []; // the elements of the rows, each with what it shows
  let reading = 0;

  function mostTiles() {
    return Math.max(0, ...model.get("_rows").map((row) => row.tiles.length));
  }
  const nShown = () => (model.get("can_count") ? model.get("k") : Infinity);

  // -- what is shown --

  let known = null; // the bytes that `pictures` were read from
  const readAll = view.eachFrame(read);
  async function read() {
    const bytes = model.get("_pictures");
    if (bytes !== known) {
      const ticket = ++reading;
      const all = bytesOf(bytes);
      const ends = model.get("_ends");
      const found = await Promise.all(ends.map((end, i) => pictureOf(all.subarray(i ? ends[i - 1] : 0, end), "")));
      if (view.signal.aborted || ticket !== reading) return found.forEach((picture) => picture?.close()); // a newer one has come
      pictures.forEach((picture) => picture?.close());
      [pictures, known] = [found, bytes];
    }
    draw();
  }

  function draw() {
    const described = model.get("_rows");
    // rows are kept, so that the keyboard stays where it is
    while (rows.length > described.length) rows.pop().element.remove();
    while (rows.length < described.length) {
      const row = openRow(uniqueId("row"));
      rows.push(row);
      listenTo(row);
      list.append(row.element);
    }
    described.forEach((each, i) => drawRow(rows[i], each, pictures, model.get("size")));
    drawAsked();
    drawCount();
    mark();
  }
  function drawAsked() {
    const query = model.get("_query");
    asked.hidden = query.picture === undefined;
    if (asked.hidden) return;
    const box = pictureBox(pictures[query.picture], 148);
    box.setAttribute("role", "img");
    box.setAttribute("aria-label", [query.label, query.source].filter(Boolean).join(", ") || "the picture asked for");
    asked.replaceChildren(
      h("div", { class: "cw-label" }, "asked for"),
      box,
      h("figcaption", {}, h("b", {}, query.label), query.source && query.source !== query.label ? h("div", { class: "cw-soft" }, query.source) : "", unanswered),
    );
  }

  // The kernel may be busy, or there may be none as in an exported page: then the rows are not those of the chosen one.
  let late = 0;
  function wait() {
    clearTimeout(late);
    const [chosen, asking] = [model.get("chosen"), model.get("_query").number ?? null];
    const tile = model.get("_rows").flatMap((row) => row.tiles).find(({ number }) => number === chosen);
    const open = asking !== null && tile && chosen !== asking;
    if (!open) unanswered.hidden = true;
    else {
      late = setTimeout(() => {
        unanswered.textContent = `${tile.label || "another"} was chosen: no answer yet`;
        unanswered.hidden = false;
      }, PATIENCE);
    }
  }
  view.signal.addEventListener("abort", () => clearTimeout(late));

  // Everything that depends on how many are shown.
  function drawCount() {
    const k = nShown();
    count.refresh();
    for (const row of rows) row.count(k);
    for (const row of rows) row.active = clamp(row.active, 0, Math.max(0, row.shown() - 1));
  }

  function mark() {
    const chosen = model.get("chosen");
    for (const row of rows) row.mark(chosen, document.activeElement === row.tiles);
    lots.disabled = !numbers().length;
    wait();
  }

  function drawHead() {
    title.textContent = model.get("title");
    title.hidden = !title.textContent;
    message.textContent = model.get("message");
    message.hidden = !message.textContent;
    const names = model.get("groups");
    group.hidden = names.length < 2;
    if (groups.options.length !== names.length || names.some((name, i) => groups.options[i].value !== name)) {
      groups.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    }
    groups.value = model.get("group");
    lots.hidden = !model.get("can_draw_lots");
    upload.element.hidden = !model.get("can_upload");
    count.element.hidden = !model.get("can_count");
    tools.hidden = [...tools.children].every((tool) => tool.hidden);
    list.classList.toggle("cw-rows-scroll", !model.get("wrap"));
  }

  // -- the hand --

  const numbers = () => model.get("_rows").flatMap((row) => row.tiles.map((tile) => tile.number).filter((number) => number !== null));

  function choose(number, told) {
    if (number === null || number === undefined) return;
    view.set({ chosen: number });
    view.say(`${told} chosen`);
  }

  function listenTo(row) {
    const { tiles } = row;
    const go = (to) => {
      row.active = clamp(to, 0, row.shown() - 1);
      mark();
      row.tile()?.scrollIntoView({ block: "nearest", inline: "nearest" });
      view.say(row.tile()?.getAttribute("aria-label") ?? "");
    };
    const below = (by) => {
      const to = row.active + by * row.across();
      if (to >= 0 && to < row.shown()) return go(to);
      const next = rows[rows.indexOf(row) + by];
      if (!next?.shown()) return;
      next.active = clamp(row.active % row.across(), 0, next.shown() - 1);
      next.tiles.focus();
    };
    const enter = () => row.tile() && choose(row.numbers[row.active], row.tile().getAttribute("aria-label"));
    onKeys(
      tiles,
      { ArrowRight: () => go(row.active + 1), ArrowLeft: () => go(row.active - 1), ArrowDown: () => below(1), ArrowUp: () => below(-1), Home: () => go(0), End: () => go(Infinity), Enter: enter, " ": enter },
      view.signal,
    );
    view.listen(tiles, "click", (event) => {
      const tile = event.target.closest("[role=option]");
      if (!tile) return;
      row.active = [...tiles.children].indexOf(tile);
      enter();
    });
    view.listen(tiles, "focus", () => {
      mark();
      view.say(row.tile()?.getAttribute("aria-label") ?? "");
    });
    view.listen(tiles, "blur", mark);
  }

  view.listen(groups, "change", () => view.set({ group: groups.value }));
  view.listen(lots, "click", () => {
    const others = numbers().filter((number) => number !== model.get("chosen"));
    const number = others[Math.floor(Math.random() * others.length)];
    choose(number, `picture ${number}`);
  });

  view.on(["_rows", "_query", "_pictures", "_ends", "size"], readAll);
  view.on("k", drawCount);
  view.on("chosen", mark);
  view.on(["title", "message", "groups", "group", "wrap", "can_upload", "can_draw_lots", "can_count"], drawHead);
  view.on("can_count", drawCount);
  view.signal.addEventListener("abort", () => pictures.forEach((picture) => picture?.close()));
  drawHead();
  read();
  return view.close;
}

export default { render };
