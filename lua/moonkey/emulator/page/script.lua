-- The page's script: fetches the state every two seconds while somebody looks, and puts it in as text, never as markup.
return [==[
"use strict";
const EVERY = 2000, KEPT = 200;
const $ = id => document.getElementById(id);
const view = { find: "", status: "", sort: "id", down: false };
let seen = 0, started = "", timer = 0, paused = false, asking = null, shownTokens = "";

function say(id, text) { // a live region speaks when it changes, so it must not change for nothing
  if ($(id).textContent !== text) $(id).textContent = text;
}

function cell(row, text, className) {
  const td = document.createElement("td");
  td.textContent = text ?? "";
  if (className) td.className = className;
  row.append(td);
}

function heading(row, text, className) {
  const th = document.createElement("th");
  th.scope = "row";
  th.textContent = text;
  if (className) th.className = className;
  row.append(th);
}

function rows(list, fill) {
  return list.map(item => {
    const row = document.createElement("tr");
    fill(row, item);
    return row;
  });
}

function body(id) { return $(id).tBodies[0]; }

function showCounts(state) {
  const names = Object.keys(state.counts).sort();
  const parts = [["All", state.total], ...names.map(name => [name, state.counts[name]])].map(([name, count]) => {
    const pair = document.createElement("div"), dt = document.createElement("dt"), dd = document.createElement("dd");
    dt.textContent = name;
    dd.textContent = count.toLocaleString("en");
    pair.append(dt, dd);
    return pair;
  });
  $("counts").replaceChildren(...parts);
  const options = [...$("status").options].map(option => option.value);
  for (const name of names.filter(name => !options.includes(name))) $("status").add(new Option(name, name));
}

function showTokens(state) {
  const text = JSON.stringify([view, state.counts, state.tokens]);
  if (text === shownTokens) return; // a selection of text stays
  shownTokens = text;
  showCounts(state);
  const { matched, rows: list } = state.tokens;
  body("tokens").replaceChildren(...rows(list, (row, token) => {
    heading(row, token.id, "id");
    cell(row, token.name);
    cell(row, token.status, token.status === "Active" ? "" : "off");
    cell(row, [token.account, token.accountType].filter(Boolean).join(", "));
    cell(row, token.lastAccessAt ? token.lastAccessAt.replace("T", " ").replace(/\..*$/, "") : "never");
  }));
  $("tokens-caption").textContent = list.length < matched
    ? `The first ${list.length} of ${matched.toLocaleString("en")} tokens` : `${matched.toLocaleString("en")} tokens`;
  say("found", view.find || view.status ? `${matched.toLocaleString("en")} found` : "");
}

function showRequests(state) {
  const fresh = rows([...state.requests].reverse(), (row, request) => {
    heading(row, request.number, "n");
    cell(row, request.at.slice(11, 23), "time");
    cell(row, request.method);
    cell(row, request.target, "target");
    cell(row, request.status ?? "none", request.status < 400 ? "n" : "n bad");
    cell(row, request.ms.toFixed(1), "n");
    cell(row, request.fault, "fault");
  });
  if (fresh.length) {
    body("requests").prepend(...fresh);
    while (body("requests").rows.length > KEPT) body("requests").lastElementChild.remove();
  }
  seen = state.emulator.logged;
  if (state.emulator.requests) $("answered").textContent = `${state.emulator.requests.toLocaleString("en")} since the start.`;
}

function showFaults(state) {
  $("no-faults").hidden = state.faults.length > 0;
  $("faults-part").hidden = !state.faults.length;
  body("faults").replaceChildren(...rows(state.faults, (row, fault) => {
    heading(row, fault.text, "fault");
    cell(row, fault.struck.toLocaleString("en"), "n");
  }));
  if (state.emulator.seed !== undefined) $("faults-caption").textContent = `Faults, drawn with seed ${state.emulator.seed}`;
}

function showEmulator({ emulator }) {
  $("version").textContent = emulator.version;
  $("about").textContent = `Running since ${emulator.started.replace("T", " ").slice(0, 19)} UTC; tokens are kept `
    + (emulator.data ? `in ${emulator.data}.` : "in memory.")
    + (emulator.hidesTokens ? " Reads do not show their secrets." : "") + " Nothing here is real, and no secret is shown.";
}

async function fetchState(signal) {
  const { find, status, sort, down } = view;
  const wanted = new URLSearchParams({ after: seen, find, status, sort, down: down ? 1 : 0 });
  const reply = await fetch("/_emulator/state.json?" + wanted, { signal, cache: "no-store" });
  if (!reply.ok) throw new Error("status " + reply.status);
  return reply.json();
}

async function refresh() {
  clearTimeout(timer);
  asking?.abort();
  const mine = asking = new AbortController();
  try {
    let state = await fetchState(mine.signal);
    if (mine !== asking) return;
    if (started && started !== state.emulator.started) { // another emulator at the same place
      seen = 0;
      body("requests").replaceChildren();
      state = await fetchState(mine.signal);
      if (mine !== asking) return;
    }
    started = state.emulator.started;
    showEmulator(state);
    showTokens(state);
    showRequests(state);
    showFaults(state);
    say("live", paused ? "Paused." : "Live, every two seconds.");
  } catch (error) {
    if (error.name === "AbortError") return;
    say("live", "The emulator does not answer. Trying again.");
  }
  schedule();
}

function schedule() {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(refresh, EVERY);
}

$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  if (paused) {
    clearTimeout(timer);
    say("live", "Paused.");
  } else refresh();
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) clearTimeout(timer);
  else if (!paused) refresh();
});

let typing = 0;
$("find").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => { view.find = $("find").value.trim(); refresh(); }, 200);
});
$("status").addEventListener("change", () => { view.status = $("status").value; refresh(); });
for (const button of document.querySelectorAll("[data-sort]")) {
  button.addEventListener("click", () => {
    view.down = view.sort === button.dataset.sort && !view.down;
    view.sort = button.dataset.sort;
    for (const th of $("tokens").tHead.rows[0].cells) th.removeAttribute("aria-sort");
    button.closest("th").setAttribute("aria-sort", view.down ? "descending" : "ascending");
    refresh();
  });
}
refresh();
]==]
