"use strict";
// Follows a run by server-sent events. All that comes is put in as text.
(() => {
  const told = JSON.parse(document.documentElement.dataset.told || "{}");
  const say = (text, values = {}) => (told[text] || text).replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const at = (id) => document.getElementById(id);
  const signs = { passed: "✓", failed: "✗", inconclusive: "?", error: "!", skipped: "–" };
  const titles = [say("Scenario"), say("State"), say("Check"), say("Requests"), say("Specified → observed"), say("To its decision")];
  const words = { waiting: say("waiting"), running: say("running"), error: say("error"), failed: say("failed"), inconclusive: say("inconclusive"), passed: say("passed"), skipped: say("skipped") };
  const rows = new Map();
  const made = (name) => {
    const row = document.createElement("tr");
    for (const title of titles) {
      const cell = document.createElement("td");
      cell.dataset.label = title;
      row.append(cell);
    }
    row.cells[0].className = "head";
    row.cells[3].className = "n";
    rows.set(name, row);
    at("rows").append(row);
    return row;
  };
  const put = (one) => {
    const row = rows.get(one.name) || made(one.name);
    const sent = one.sent.toLocaleString("en");
    const texts = [one.name, `${signs[one.state] || ""} ${words[one.state] || one.state}`.trim(), one.check, !one.sent ? "" : one.limit ? say("{sent} of {limit}", { sent, limit: one.limit.toLocaleString("en") }) : sent, one.estimate, one.to_go || one.said];
    texts.forEach((text, number) => { if (row.cells[number].textContent !== text) row.cells[number].textContent = text; });
    row.cells[1].className = `outcome ${/^[a-z]+$/.test(one.state) ? one.state : ""}`;
    row.dataset.state = one.state;
  };
  const tally = () => {
    const counts = new Map();
    for (const row of rows.values()) counts.set(row.dataset.state, (counts.get(row.dataset.state) || 0) + 1);
    at("tally").textContent = [...counts].map(([state, number]) => `${number} ${words[state] || state}`).join(say(", "));
  };
  const source = new EventSource("events");
  source.addEventListener("open", () => { at("connection").textContent = say("Connected."); });
  source.addEventListener("error", () => { at("connection").textContent = say("The run does not answer."); });
  source.addEventListener("message", (message) => {
    const found = JSON.parse(message.data);
    if (found.headline) { at("headline").textContent = found.headline; document.title = `${found.headline} meshproof`; }
    for (const one of found.rows) put(one);
    tally();
    if (found.ended) { source.close(); at("connection").textContent = say("The run has ended: its report stands in its folder."); }
  });
})();
