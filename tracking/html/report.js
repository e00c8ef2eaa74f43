"use strict";
// Hover values and sortable tables; everything is on the page without it.
(() => {
  const tip = document.createElement("div");
  tip.id = "tip";
  tip.hidden = true;
  document.body.append(tip);

  function show(event, text) {
    tip.textContent = text;
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, innerWidth - box.width - 8);
    const below = event.clientY + 18;
    const top = below + box.height > innerHeight ? event.clientY - box.height - 12 : below;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${Math.max(8, top)}px`;
  }

  function hide() {
    tip.hidden = true;
  }

  // Marks carry their words in <title>, which browsers show late; they are taken over here.
  for (const mark of document.querySelectorAll(".mark")) {
    const title = mark.querySelector("title");
    const text = title.textContent;
    title.remove();
    mark.setAttribute("aria-label", text);
    mark.addEventListener("pointermove", (event) => show(event, text));
    mark.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") hide();
    });
    mark.addEventListener("pointerdown", (event) => show(event, text));
  }
  // A finger that is lifted leaves the words there to be read; the next touch takes them away.
  addEventListener("pointerdown", hide, { capture: true });

  // The position of the pointer in the drawing's own units.
  function place(svg, event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
  }

  function nearest(epochs, wanted) {
    let best = 0;
    for (let i = 1; i < epochs.length; i += 1) {
      if (Math.abs(epochs[i] - wanted) < Math.abs(epochs[best] - wanted)) best = i;
    }
    return best;
  }

  for (const svg of document.querySelectorAll("svg.curves")) {
    const curves = JSON.parse(svg.dataset.curves);
    const [low, high, start, end] = svg.dataset.x.split(" ").map(Number);
    const cursor = svg.querySelector(".cursor");
    const decimals = svg.dataset.decimals;
    const shown = (value) => (decimals ? value.toFixed(Number(decimals)) : value.toPrecision(3));
    svg.addEventListener("pointermove", (event) => {
      const wanted = low + ((place(svg, event).x - start) / (end - start)) * (high - low);
      const lines = [];
      // The epoch next to the pointer, of whatever arm; an arm that was not trained so long has no value there.
      const closest = curves.map((curve) => curve.epochs[nearest(curve.epochs, wanted)]);
      const epoch = closest[nearest(closest, wanted)];
      for (const curve of curves) {
        if (curve.epochs.at(-1) < epoch) continue;
        const [mean, least, most] = curve.values[nearest(curve.epochs, epoch)];
        if (mean === null) continue;
        const range = least === most ? "" : ` [${shown(least)}, ${shown(most)}]`;
        lines.push({ mean, text: `${curve.name}: ${shown(mean)}${range}` });
      }
      if (!lines.length) return;
      const x = start + ((epoch - low) / (high - low)) * (end - start);
      cursor.setAttribute("x1", x);
      cursor.setAttribute("x2", x);
      cursor.classList.add("on");
      lines.sort((a, b) => b.mean - a.mean);
      const said = lines.slice(0, 12).map((line) => line.text);
      if (lines.length > 12) said.push(`and ${lines.length - 12} more`);
      show(event, [`epoch ${epoch}`, ...said].join("\n"));
    });
    svg.addEventListener("pointerleave", () => {
      cursor.classList.remove("on");
      hide();
    });
  }

  for (const svg of document.querySelectorAll("svg.heatmap")) {
    const [margin, top, size] = svg.dataset.cell.split(" ").map(Number);
    const names = JSON.parse(svg.dataset.names);
    const pointer = svg.querySelector(".pointer");
    let rows = null; // Parsed when first needed: a page has several, of up to 40,000 cells.
    svg.addEventListener("pointermove", (event) => {
      const at = place(svg, event);
      const column = Math.floor((at.x - margin) / size);
      const row = Math.floor((at.y - top) / size);
      if (row < 0 || column < 0 || row >= names.length || column >= names.length) {
        pointer.setAttribute("x", -99);
        hide();
        return;
      }
      rows ??= svg.dataset.values.split(";").map((line) => new Map(line.split(" ").map((cell) => cell.split(":"))));
      const value = Number(rows[row].get(String(column)) ?? 0) / 100;
      const sign = svg.dataset.signed && value > 0 ? "+" : "";
      pointer.setAttribute("x", margin + column * size);
      pointer.setAttribute("y", top + row * size);
      const share = svg.dataset.signed ? `${sign}${value.toFixed(2)} pp` : `${value.toFixed(2)}%`;
      const what = row === column ? "right" : `taken for ${names[column]}`;
      show(event, `${names[row]}, ${what}\n${share} ${svg.dataset.words}`);
    });
    svg.addEventListener("pointerleave", () => {
      pointer.setAttribute("x", -99);
      hide();
    });
  }

  // A cell's first number; times as seconds. Text without a number sorts as text, empty cells last.
  function key(cell) {
    const text = cell.textContent.trim();
    if (/^\d+:\d\d:\d\d$/.test(text)) return text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    const found = cell.classList.contains("n") ? text.match(/[+-]?\d[\d,]*(\.\d+)?(e[+-]?\d+)?/) : null;
    return found ? Number(found[0].replaceAll(",", "")) - (text.startsWith("<") ? 1e-9 : 0) : text;
  }

  function compare(a, b) {
    if (a === "" || b === "") return 0;
    if (typeof a === "number" && typeof b === "number") return a - b;
    return String(a).localeCompare(String(b), undefined, { numeric: true });
  }

  function sort(table, head, column) {
    const descending = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => ({ row, key: key(row.cells[column]) }));
    const empty = rows.filter((one) => one.key === "");
    const full = rows.filter((one) => one.key !== "");
    full.sort((a, b) => (descending ? compare(b.key, a.key) : compare(a.key, b.key)));
    body.append(...full.map((one) => one.row), ...empty.map((one) => one.row));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      head.tabIndex = 0;
      head.title = "sort by this column";
      head.addEventListener("click", () => sort(table, head, column));
      head.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          sort(table, head, column);
        }
      });
    });
  }

  // What a reader unfolded and sorted, by place on the page, kept in the tab's history over a loading.
  const folds = [...document.querySelectorAll("details")];
  const tables = [...document.querySelectorAll("table.sortable")];

  function keep() {
    const sorted = [];
    tables.forEach((table, place) => {
      [...table.tHead.rows[0].cells].forEach((head, column) => {
        const order = head.getAttribute("aria-sort");
        if (order) sorted.push([place, column, order]);
      });
    });
    history.replaceState({ open: folds.map((one) => one.open), sorted, top: scrollY }, "");
  }

  function restore({ open, sorted, top }) {
    open.forEach((is, place) => {
      if (folds[place]) folds[place].open = is;
    });
    for (const [place, column, order] of sorted) {
      const head = tables[place]?.tHead.rows[0].cells[column];
      if (!head) continue;
      sort(tables[place], head, column);
      if (order === "descending") sort(tables[place], head, column);
    }
    scrollTo({ top, behavior: "instant" });
  }

  // The page of a running study loads itself again, but not under the reader's hands and not in a hidden tab.
  function watch(seconds) {
    const due = Date.now() + 1000 * seconds;
    let touched = 0;
    for (const kind of ["pointermove", "pointerdown", "keydown", "wheel", "scroll", "touchmove"]) {
      addEventListener(kind, () => { touched = Date.now(); }, { passive: true, capture: true });
    }
    const timer = setInterval(() => {
      const busy = Date.now() - touched < 5000 || !getSelection().isCollapsed || document.hidden;
      if (Date.now() < due || busy) return;
      clearInterval(timer);
      keep();
      location.reload();
    }, 1000);
  }

  const written = document.querySelector("time.written");
  if (written) {
    const moment = new Date(written.dateTime);
    const tell = () => {
      const minutes = Math.floor((Date.now() - moment) / 60000);
      const age = minutes < 1 ? "just now" : minutes < 120 ? `${minutes} min ago` : `${Math.floor(minutes / 60)} h ago`;
      written.textContent = `${age}, at ${moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
    };
    tell();
    setInterval(tell, 20000);
  }
  const reload = document.querySelector("noscript.reload");
  if (reload) watch(Number(reload.dataset.seconds));
  if (history.state?.sorted) {
    restore(history.state);
    history.replaceState(null, "");
  }

  // Paper has no fold; browsers that cannot do it by style are helped.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open], .aside)")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
})();
