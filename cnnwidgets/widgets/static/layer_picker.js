// A menu of layers with chips that filter it.

import { h, onKeys, svg, uniqueId } from "./shared/dom.js";
import { openView } from "./shared/view.js";

const COLUMN = "\u00a0".repeat(3);

function render({ model, el }) {
  const view = openView(model, el, "layers", "Layer");
  const id = uniqueId("layer");
  const menu = h("select", { id, class: "cw-layers-menu" });
  const back = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Previous layer" }, svg("M10 3L5 8l5 5"));
  const forth = h("button", { type: "button", class: "cw-button cw-square", "aria-label": "Next layer" }, svg("M6 3l5 5-5 5"));
  const chips = h("div", { class: "cw-layers-chips", role: "group", "aria-label": "Kinds of layers in the menu" });
  const facts = h("div", { class: "cw-soft cw-layers-facts" });
  const label = h("label", { for: id, class: "cw-label" }, "layer");
  view.body.append(h("div", { class: "cw-row cw-layers-choice" }, label, menu, back, forth), chips, facts);

  const rows = () => model.get("_rows") ?? [];

  function shown() {
    const kinds = model.get("kinds") ?? [];
    const spatial = model.get("spatial_only");
    // the chosen layer stays in the menu whatever the filters say: a filter must not choose
    return rows().filter(
      (row) =>
        row.name === model.get("layer") || ((!kinds.length || kinds.includes(row.group)) && (row.spatial || !spatial)),
    );
  }

  function drawMenu() {
    const width = Math.max(0, ...shown().map((row) => row.name.length));
    const across = Math.max(0, ...shown().map((row) => row.shape.length));
    menu.replaceChildren(
      ...shown().map((row) => {
        // in a font of one width, so that names, shapes and receptive fields stand in columns
        const parts = [row.name.padEnd(width, "\u00a0"), row.shape.padEnd(across, "\u00a0"), row.sees];
        return h("option", { value: row.name }, parts.filter(Boolean).join(COLUMN).trimEnd());
      }),
    );
    drawChoice();
  }

  function drawChoice() {
    const names = shown().map((row) => row.name);
    const place = names.indexOf(model.get("layer"));
    if (menu.options.length !== names.length) return drawMenu();
    menu.selectedIndex = place;
    menu.disabled = !names.length;
    back.disabled = place <= 0;
    forth.disabled = place < 0 || place === names.length - 1;
    const row = rows().find((layer) => layer.name === model.get("layer"));
    const kind = row && (row.group === "blocks" ? `${row.kind} (a block of layers)` : row.kind);
    facts.textContent = row ? [kind, row.told_parameters, row.told_field].filter(Boolean).join(" · ") : "no layers";
    if (row) view.say(`${row.name}, ${facts.textContent}`);
  }

  function drawChips() {
    const groups = [...new Set(rows().map((row) => row.group))].filter((group) => group !== "blocks");
    if (rows().some((row) => row.group === "blocks")) groups.push("blocks");
    const chosen = model.get("kinds") ?? [];
    chips.hidden = groups.length < 2;
    // the one that has the keyboard keeps it
    const focused = chips.contains(document.activeElement) ? document.activeElement.textContent : null;
    chips.replaceChildren(
      ...groups.map((group) => {
        const on = chosen.includes(group);
        return h("button", { type: "button", class: "cw-chip", "aria-pressed": String(on) }, group);
      }),
    );
    for (const chip of chips.children) if (chip.textContent === focused) chip.focus();
  }

  function step(by) {
    const names = shown().map((row) => row.name);
    const name = names[names.indexOf(model.get("layer")) + by];
    if (name !== undefined) view.set({ layer: name });
  }

  view.listen(menu, "change", () => view.set({ layer: menu.value }));
  view.listen(back, "click", () => step(-1));
  view.listen(forth, "click", () => step(1));
  view.listen(chips, "click", (event) => {
    const group = event.target.closest("button")?.textContent;
    if (!group) return;
    const chosen = model.get("kinds") ?? [];
    view.set({ kinds: chosen.includes(group) ? chosen.filter((kind) => kind !== group) : [...chosen, group] });
  });
  // said here too, since browsers differ in which arrow keys move a closed menu
  onKeys(
    menu,
    {
      ArrowUp: () => step(-1),
      ArrowDown: () => step(1),
      ArrowLeft: () => step(-1),
      ArrowRight: () => step(1),
    },
    view.signal,
  );
  view.on("layer", drawMenu);
  view.on(["_rows", "kinds", "spatial_only"], () => {
    drawMenu();
    drawChips();
  });
  drawMenu();
  drawChips();
  return view.close;
}

export default { render };
