"use strict";
// Every grid of the page: filters, search, sorting, rows that open. Texts only ever become text nodes.
(() => {
  const MORE = 500;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const grid = (root) => {
    const data = JSON.parse(document.getElementById(root.dataset.grid).textContent);
    const columns = data.columns.map((column, place) => ({ ...column, place }));
    const shown = columns.filter((column) => column.kind !== "detail");
    const hidden = columns.filter((column) => column.kind === "detail");
    const atOnce = Number(root.dataset.atOnce);
    const state = { search: "", chosen: new Map(), sort: null, descending: false, most: atOnce };

    const raw = (row, column) => column.values[row[column.place]];
    const cell = (row, column) => {
      const text = raw(row, column);
      if (text !== "" || !column.pattern) return text;
      return column.pattern.replace(/\{([^}]+)\}/g, (_, label) => raw(row, columns.find((other) => other.label === label)));
    };
    const keys = new Map(columns.map((column) => [column, column.kind === "number"
      ? column.values.map((text) => { const value = Number.parseFloat(text); return text === "inf" ? Infinity : value; })
      : column.values]));
    const searched = columns.filter((column) => column.kind !== "number" && !column.pattern);
    const lower = new Map(searched.map((column) => [column, column.values.map((text) => text.toLowerCase())]));

    const matches = (row) => {
      for (const [column, place] of state.chosen) if (row[column.place] !== place) return false;
      const words = state.search.toLowerCase().split(/\s+/).filter(Boolean);
      return words.every((word) => searched.some((column) => lower.get(column)[row[column.place]].includes(word)));
    };
    const compare = (left, right) => {
      const key = keys.get(state.sort);
      const [a, b] = [key[left[state.sort.place]], key[right[state.sort.place]]];
      const sign = state.descending ? -1 : 1;
      if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
      if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
      return sign * (a - b || 0);
    };

    const count = make("output", { ariaLive: "polite" });
    const body = make("tbody");
    const more = make("button", { type: "button", className: "more" });
    const heads = shown.map((column) => {
      const button = make("button", { type: "button", title: column.note }, column.label);
      const head = make("th", { scope: "col", className: column.kind === "number" ? "num" : "" }, button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        state.descending = state.sort === column ? !state.descending : column.kind === "number";
        state.sort = column;
        heads.forEach((other) => other.setAttribute("aria-sort", "none"));
        head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
        draw();
      });
      return head;
    });

    const opened = (row) => {
      const list = make("dl", { className: "facts" });
      for (const column of hidden) {
        const text = cell(row, column);
        if (text) list.append(make("dt", {}, column.label), make("dd", {}, make(column.pattern ? "code" : "span", {}, text)));
      }
      return make("tr", { className: "details-row" }, make("td", { colSpan: shown.length }, list));
    };
    const line = (row) => {
      const cells = shown.map((column) => {
        const text = cell(row, column);
        if (column.label === "verdict") return make("td", {}, make("span", { className: `pill v-${text}` }, text));
        return make("td", { className: column.kind === "number" ? "num" : "" }, text);
      });
      const place = Math.max(0, shown.findIndex((column) => column.kind === "text"));
      const button = make("button", { type: "button", className: "open-row mono", ariaExpanded: "false" }, ...cells[place].childNodes);
      const named = shown.filter((column) => column.kind !== "number" && column.place !== shown[place].place);
      button.ariaLabel = [button.textContent, ...named.map((column) => cell(row, column))].join(", ");
      cells[place].append(button);
      const element = make("tr", {}, ...cells);
      button.addEventListener("click", () => {
        const open = button.getAttribute("aria-expanded") === "true";
        button.setAttribute("aria-expanded", String(!open));
        if (open) element.nextElementSibling.remove();
        else element.after(opened(row));
      });
      return element;
    };

    const draw = () => {
      const rows = data.rows.filter(matches);
      if (state.sort) rows.sort(compare);
      body.replaceChildren(...rows.slice(0, state.most).map(line));
      const number = (value) => value.toLocaleString("en");
      const cut = rows.length > state.most ? `, the first ${number(state.most)} shown` : "";
      count.textContent = `${number(rows.length)} of ${number(data.rows.length)} rows${cut}`;
      more.hidden = rows.length <= state.most;
      more.textContent = `Show ${number(Math.min(MORE, rows.length - state.most))} more`;
    };
    const again = () => { state.most = atOnce; draw(); };

    const search = make("input", { type: "search", placeholder: "words in any column", spellcheck: false });
    search.addEventListener("input", () => { state.search = search.value; again(); });
    const controls = make("div", { className: "controls" }, make("label", {}, "Search", search));
    for (const column of shown.filter((one) => one.kind === "choice" && one.values.length > 1)) {
      const select = make("select", {}, make("option", { value: "" }, "all"));
      column.values.forEach((text, place) => select.append(make("option", { value: String(place) }, text)));
      select.addEventListener("change", () => {
        if (select.value) state.chosen.set(column, Number(select.value));
        else state.chosen.delete(column);
        again();
      });
      controls.append(make("label", {}, column.label, select));
    }
    const reset = make("button", { type: "button" }, "Reset");
    reset.addEventListener("click", () => {
      search.value = state.search = "";
      controls.querySelectorAll("select").forEach((select) => { select.value = ""; });
      state.chosen.clear();
      state.sort = null;
      heads.forEach((head) => head.setAttribute("aria-sort", "none"));
      again();
    });
    controls.append(reset, count);
    more.addEventListener("click", () => { state.most += MORE; draw(); });

    const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), body);
    table.setAttribute("aria-label", root.dataset.caption);
    const scroll = make("div", { className: "scroll", tabIndex: 0 }, table);
    scroll.setAttribute("role", "region");
    scroll.setAttribute("aria-label", root.dataset.caption);
    root.replaceChildren(controls, scroll, more);
    draw();
  };

  document.querySelectorAll("[data-grid]").forEach(grid);

  // Paper can't be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((one) => { one.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((one) => { one.open = false; }));
})();
