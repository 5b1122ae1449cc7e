const tones = {Running: "good", Error: "bad", Loading: "wait", Killing: "wait"};
const titles = {
  Running: "Your server runs",
  Error: "Your server has failed",
  Loading: "Your server is starting",
  Killing: "Your server is being killed",
};
const at = (id) => document.getElementById(id);

function make(tag, text, name) {
  const element = document.createElement(tag);
  element.textContent = text ?? "";
  if (name) element.className = name;
  return element;
}

function span(ms) {
  if (ms < 1000) return `${ms} ms`;
  const s = ms / 1000;
  return s < 10 ? `${s.toFixed(1)} s` : s < 120 ? `${Math.round(s)} s`
    : s < 7200 ? `${Math.round(s / 60)} min` : `${Math.round(s / 3600)} h`;
}

const ago = (ms) => ms < 1000 ? "just now" : `${span(ms)} ago`;

function took(from, to) {
  return from && to ? Math.max(0, to - from) : null;
}

function stepsOf(start) {
  return [
    ["kill", "killed", took(start.killed_at_ms && start.detected_at_ms, start.killed_at_ms)],
    ["start", "spawned", took(start.killed_at_ms || start.detected_at_ms, start.spawned_at_ms)],
    ["boot", "ready", took(start.spawned_at_ms, start.ready_at_ms)],
  ].filter(([, , ms]) => ms !== null);
}

const sumOf = (steps) => steps.reduce((sum, [, , ms]) => sum + ms, 0);

// All bars have the same scale: the longest start takes the whole width.
function timeOf(start, longest) {
  const box = make("div", "", "time");
  const steps = stepsOf(start);
  const bar = make("div", "", "bar");
  bar.style.width = `${100 * sumOf(steps) / longest}%`;
  const texts = make("div", "", "steps");
  for (const [name, word, ms] of steps) {
    const piece = make("i", "", name);
    piece.style.flexGrow = ms;
    bar.append(piece);
    texts.append(make("span", `${word} ${span(ms)}`, name));
  }
  const first = took(start.ready_at_ms, start.first_byte_at_ms);
  if (first !== null) texts.append(make("span", `first byte ${span(first)} later`));
  if (start.warm) texts.append(make("span", "warm"));
  if (start.cold_because) texts.append(make("span", `cold: ${start.cold_because}`));
  if (steps.length) box.append(bar);
  box.append(texts);
  if (start.ended) box.append(make("div", start.ended, "ended"));
  return box;
}

function rowOf(start, now, isNewest, longest) {
  const row = make("li");
  const why = make("div", start.cause.text || "first start", "why");
  why.title = start.cause.changed.join("\n");
  const began = start.detected_at_ms || start.spawned_at_ms;
  const newest = start.ready_at_ms || start.ended_at_ms;
  const whole = took(began, newest);
  const small = began ? ago(now - began) : "";
  why.append(make("small", whole === null ? small : `${small}, took ${span(whole)} in all`));
  const time = timeOf(start, longest);
  if (!newest && !isNewest) time.append(make("div", "killed before it answered", "steps"));
  row.append(make("div", start.generation, "num"), why, time);
  return row;
}

function show(now) {
  document.title = `${now.state ?? "hpp"} · hpp`;
  at("state").textContent = now.state ?? "The state of your server is not known yet";
  at("state").parentElement.className = `kicker ${tones[now.state] ?? ""}`;
  at("since").textContent = now.state ? `generation ${now.generation}` : "";
  at("title").textContent = titles[now.state] ?? "hpp";
  at("lead").replaceChildren(make("code", now.command));
  for (const problem of now.problems) at("lead").append(make("div", problem, "ended"));
  at("counts").replaceChildren(...Object.entries(now.counts).map(([name, count]) => {
    const item = make("li", "");
    item.append(make("b", count), name);
    return item;
  }));
  at("defects").hidden = !now.defects.length;
  at("defects").lastElementChild.replaceChildren(...now.defects.map((found) => {
    const item = make("li", `${found.defect} `);
    item.append(make("small", `first in the answer to ${found.first_request}, last seen in generation `
      + found.last_generation));
    return item;
  }));
  const longest = Math.max(1, ...now.starts.map((start) => sumOf(stepsOf(start))));
  at("starts").replaceChildren(
    ...now.starts.map((start, i) => rowOf(start, now.now_ms, i === 0, longest)));
}

// ---- the error --------------------------------------------------------------------------------

let shown = ""; // the crash that is on the page, as JSON

function showCrash(crash) {
  if (JSON.stringify(crash) === shown) return;
  shown = JSON.stringify(crash);
  at("crash").hidden = !crash;
  if (!crash) return;
  const {error} = crash;
  const place = error ? error.file + (error.line ? `:${error.line}` : "") : "";
  at("crash-message").textContent = error?.message ?? `${crash.title}: ${crash.how}`;
  const source = document.querySelector(".source");
  source.hidden = !place;
  source.querySelector("code").textContent = place;
  source.querySelector("pre").hidden = !error?.source.length;
  source.querySelector("pre").replaceChildren(...(error?.source ?? []).map((line) => {
    const row = make("span", "", line.here ? "line here" : "line");
    row.append(make("i", line.number), `${line.text}\n`);
    return row;
  }));
  const lines = error?.source.map(({number, text, here}) => `${here ? ">" : " "} ${number} | ${text}\n`);
  const text = error ? `${place}: ${error.message}\n\n${lines.join("")}` : `${crash.title}: ${crash.how}`;
  at("copy-error").onclick = () => copy(text, at("copy-error"));
  at("copy-report").onclick = () => copy(crash.report, at("copy-report"));
}

// ---- what the buttons do ------------------------------------------------------------------------

// Shows a text, which a screen reader says.
function say(text) {
  at("said").textContent = text;
}

// A page that is not from this machine has no clipboard API (no secure context).
async function copy(text, button) {
  const name = button.dataset.name ??= button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser does not allow it";
  }
  setTimeout(() => (button.textContent = name), 1500);
}

async function post(path) {
  try {
    const answer = await fetch(path, {method: "POST", headers: {Accept: "application/json"}});
    say((await answer.json()).message);
    return answer.ok;
  } catch {
    say("hpp does not answer. Try again in a second.");
    return false;
  }
}

at("restart").addEventListener("click", () => post("/__hpp/restart"));
at("pause").addEventListener("click", () => post(at("pause").dataset.path ?? "/__hpp/pause"));

function showPause(paused) {
  const button = at("pause");
  button.dataset.path = paused ? "/__hpp/resume" : "/__hpp/pause";
  button.setAttribute("aria-pressed", paused !== "");
  const text = paused ? "Paused: end the pause" : "Pause";
  if (button.textContent !== text) button.textContent = text;
}

// ---- the loop -----------------------------------------------------------------------------------

const ask = async (path) => (await fetch(path)).json();

async function watch() {
  try {
    if (!document.hidden) {
      const [now, requests] = await Promise.all([ask("/__hpp/history"), ask("/__hpp/requests"), showLog()]);
      show(now);
      showCrash(now.crash);
      showPause(now.paused);
      showRequests(requests);
    }
  } catch {
    at("state").textContent = "hpp does not answer";
    at("state").parentElement.className = "kicker bad";
  }
  setTimeout(watch, 500);
}

// The other scripts of this page come after this one.
addEventListener("DOMContentLoaded", watch);
