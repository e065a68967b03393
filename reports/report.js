"use strict";
// Filter, order and links of a page that is whole without it. No text becomes markup: nodes are made one by one.
(() => {
  const told = JSON.parse(document.documentElement.dataset.told || "{}");
  const say = (text, values = {}) => (told[text] || text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const make = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };
  const checks = all("article.card, .lines > li");
  if (!checks.length) return;
  const rows = all("#checks tbody tr");
  const outcomeOf = (item) => { const named = item.querySelector(".outcome"); return named ? named.classList[1] : "passed"; };
  const folds = (item) => { const found = []; for (let at = item.closest("details"); at; at = at.parentElement.closest("details")) found.push(at); return found; };
  const texts = new Map();
  const textOf = (item) => {
    if (!texts.has(item)) {
      const group = item.closest(".group");
      const own = item.localName === "article" ? all("h4, .req, .reason, td.head", item).map((one) => one.textContent).join(" ") : item.textContent;
      texts.set(item, `${group ? group.querySelector("summary").textContent : ""} ${own}`.toLowerCase());
    }
    return texts.get(item);
  };

  const outcomes = ["error", "failed", "inconclusive", "passed", "skipped"].filter((one) => checks.some((item) => outcomeOf(item) === one));
  const search = make("input", { type: "search", id: "find", autocomplete: "off", spellcheck: "false" });
  const words = { error: say("error"), failed: say("failed"), inconclusive: say("inconclusive"), passed: say("passed"), skipped: say("skipped") };
  const boxes = outcomes.map((one) => { const box = make("input", { type: "checkbox", value: one }); box.checked = true; return box; });
  const order = make("select", { id: "order" }, ...[["", say("worst first")], ["name", say("by name")], ["most", say("most requests")]].map(([value, text]) => make("option", { value }, text)));
  const paper = make("input", { type: "checkbox" });
  const shown = make("output", { "aria-live": "polite" });
  document.getElementById("tools").append(
    make("label", { class: "field" }, make("span", {}, say("Find in checks")), search),
    make("fieldset", {}, make("legend", {}, say("Outcome")), ...boxes.map((box) => make("label", {}, box, ` ${words[box.value]} ${checks.filter((item) => outcomeOf(item) === box.value).length.toLocaleString("en")}`))),
    make("label", { class: "field" }, make("span", {}, say("Order")), order),
    make("label", {}, paper, ` ${say("print the annex too")}`),
    shown,
  );
  document.getElementById("tools").hidden = false;

  let opened = [];
  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    const active = words.length > 0 || wanted.size < boxes.length;
    const matches = (item, text) => wanted.has(outcomeOf(item)) && words.every((word) => text.includes(word));
    for (const fold of opened) fold.open = false;
    opened = [];
    let number = 0;
    for (const item of checks) {
      const found = matches(item, textOf(item));
      item.classList.toggle("away", !found);
      number += found;
      if (found && active) for (const fold of folds(item)) if (!fold.open) { fold.open = true; opened.push(fold); }
    }
    for (const row of rows) row.classList.toggle("away", !matches(row, row.textContent.toLowerCase()));
    for (const box of all("details.group, details.bundle, section[aria-labelledby]")) box.classList.toggle("away", active && !all("article.card, .lines > li", box).some((item) => !item.classList.contains("away")));
    shown.value = active ? say("{n} of {all} checks", { n: number.toLocaleString("en"), all: checks.length.toLocaleString("en") }) : say("{n} checks", { n: checks.length.toLocaleString("en") });
  };
  const remember = () => {
    const kept = new URLSearchParams();
    if (search.value) kept.set("find", search.value);
    const off = boxes.filter((box) => !box.checked).map((box) => box.value);
    if (off.length) kept.set("without", off.join(","));
    if (order.value) kept.set("order", order.value);
    const text = kept.toString();
    history.replaceState(null, "", text ? `#?${text}` : location.pathname + location.search);
  };

  const places = new Map(all(".group").map((group, at) => [group, at]));
  const arrange = () => {
    const ways = {
      "": (a, b) => places.get(a) - places.get(b),
      name: (a, b) => a.querySelector("summary").textContent.localeCompare(b.querySelector("summary").textContent, "en", { numeric: true }),
      most: (a, b) => Number(b.dataset.n) - Number(a.dataset.n),
    };
    for (const parent of new Set([...places.keys()].map((group) => group.parentElement))) {
      const own = all(":scope > .group", parent);
      own.sort(ways[order.value]).forEach((group) => parent.append(group));
    }
  };

  const rank = ["error", "failed", "inconclusive", "passed", "skipped"];
  const keyOf = (row, at, kind) => kind === "outcome" ? rank.indexOf(outcomeOf(row)) : kind === "n" ? Number(row.cells[at].textContent.replace(/[^\d]/g, "")) : row.cells[at].textContent.trim();
  all("#checks th").forEach((head, at, heads) => {
    const kind = head.textContent === say("Outcome") ? "outcome" : head.classList.contains("n") ? "n" : "text";
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const turned = head.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", turned);
      const sign = turned === "ascending" ? 1 : -1;
      const keyed = rows.map((row) => [keyOf(row, at, kind), row]);
      keyed.sort(([a], [b]) => sign * (kind === "text" ? a.localeCompare(b, "en", { numeric: true }) : a - b));
      for (const [, row] of keyed) row.parentElement.append(row);
    });
  });

  const follow = () => {
    const hash = location.hash;
    if (hash.startsWith("#?")) {
      const kept = new URLSearchParams(hash.slice(2));
      search.value = kept.get("find") || "";
      const off = (kept.get("without") || "").split(",");
      for (const box of boxes) box.checked = !off.includes(box.value);
      order.value = ["name", "most"].includes(kept.get("order")) ? kept.get("order") : "";
      arrange();
      apply();
      return;
    }
    const target = hash && document.getElementById(hash.slice(1));
    if (!target) return;
    if (target.closest(".away")) { search.value = ""; for (const box of boxes) box.checked = true; apply(); }
    for (const fold of folds(target)) fold.open = true;
    target.scrollIntoView();
    target.setAttribute("tabindex", "-1");
    target.focus({ preventScroll: true });
  };

  let waiting = 0;
  search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => { apply(); remember(); }, 120); });
  for (const box of boxes) box.addEventListener("change", () => { apply(); remember(); });
  order.addEventListener("change", () => { arrange(); remember(); });
  paper.addEventListener("change", () => document.body.classList.toggle("all", paper.checked));
  addEventListener("hashchange", follow);
  apply();
  follow();
})();
