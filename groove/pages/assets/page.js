"use strict";
// Tabs, tables that can be sorted, and charts that are drawn when they come into view.
(() => {
  const each = (selector, act, root = document) => root.querySelectorAll(selector).forEach(act);

  // Tabs, by the keyboard pattern of the ARIA Authoring Practices: arrows, Home and End move; one panel is shown.
  const tabs = [...document.querySelectorAll('[role="tab"]')];
  const show = (tab) => {
    for (const other of tabs) {
      const chosen = other === tab;
      other.setAttribute("aria-selected", String(chosen));
      other.tabIndex = chosen ? 0 : -1;
      document.getElementById(other.getAttribute("aria-controls")).hidden = !chosen;
    }
  };
  const choose = (tab) => {
    show(tab);
    tab.focus();
    history.replaceState(null, "", "#" + tab.getAttribute("aria-controls"));
  };
  const named = () => tabs.find((tab) => "#" + tab.getAttribute("aria-controls") === location.hash);
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const moves = { ArrowRight: i + 1, ArrowLeft: i - 1 + tabs.length, Home: 0, End: tabs.length - 1 };
      if (event.key in moves) {
        event.preventDefault();
        choose(tabs[moves[event.key] % tabs.length]);
      }
    });
  });
  if (tabs.length) {
    show(named() ?? tabs[0]);
    addEventListener("hashchange", () => named() && show(named()));
  }

  // A header sorts the rows of its table, and at the next click the other way round; rows without a value come last.
  const compare = (a, b) => {
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
  };
  each("table.sortable", (table) => {
    each("thead th", (head) => {
      head.querySelector("button").addEventListener("click", () => {
        const sign = head.getAttribute("aria-sort") === "descending" ? 1 : -1;
        const way = head.classList.contains("number") || head.hasAttribute("aria-sort") ? sign : 1;
        each("thead th", (other) => other.removeAttribute("aria-sort"), table);
        head.setAttribute("aria-sort", way > 0 ? "ascending" : "descending");
        const key = (row) => row.cells[head.cellIndex].dataset.order;
        const rows = [...table.tBodies[0].rows];
        rows.sort((a, b) => (key(a) === "") - (key(b) === "") || way * compare(key(a), key(b)));
        table.tBodies[0].append(...rows);
      });
    }, table);
  });

  // Charts
  const draw = (plot) => {
    if (plot.dataset.drawn || !window.vegaEmbed) return Promise.resolve();
    plot.dataset.drawn = "begun";
    const spec = JSON.parse(plot.parentElement.querySelector("script").textContent);
    return window.vegaEmbed(plot, spec, { renderer: "svg", actions: false }).then(() => {
      plot.dataset.drawn = "done";
    });
  };
  const begin = () => {
    const seen = new IntersectionObserver(
      (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
      { rootMargin: "400px" },
    );
    each(".plot", (plot) => seen.observe(plot));
    addEventListener("beforeprint", () => each(".plot", draw));
  };
  if (window.vegaEmbed) begin();
  else addEventListener("charts-ready", begin);
})();
