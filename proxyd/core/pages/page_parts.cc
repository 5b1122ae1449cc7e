#include "proxyd/core/pages/page_parts.h"

namespace hpp::proxyd {

// The terminal is dark in light surroundings, too: true colours are chosen for a dark one.
std::string_view page_style() {
  return R"css(
:root{color-scheme:light dark;--bg:#faf9f6;--fg:#211f1c;--dim:#716b63;--line:#e3dfd7;--card:#fff;
--bad:#c2301c;--good:#17774a;--wait:#a86100;--tint:#f3f0ea}
@media(prefers-color-scheme:dark){:root{--bg:#171614;--fg:#ece9e4;--dim:#9c968d;--line:#33302c;
--card:#1f1d1b;--bad:#ff7461;--good:#54c98f;--wait:#efb35c;--tint:#262421}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.55 system-ui,-apple-system,"Segoe UI",
Roboto,sans-serif;-webkit-text-size-adjust:100%}
main{max-width:62rem;margin:auto;padding:clamp(1.5rem,6vw,4rem) clamp(1rem,4vw,2rem)}
code,pre,.num{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:.9em;overflow-wrap:anywhere}
.kicker{margin:0 0 .6rem;color:var(--dim);font-size:.8rem;letter-spacing:.04em}
.kicker b{color:var(--tone,var(--dim));font-weight:650}
.kicker b:before{content:"";display:inline-block;width:.6em;height:.6em;margin-right:.5em;
border-radius:50%;background:currentColor}
h1{margin:0 0 .5rem;font-size:clamp(1.6rem,5.5vw,2.5rem);line-height:1.15;letter-spacing:-.02em;
font-weight:700;text-wrap:balance;overflow-wrap:anywhere}
.lead{margin:0 0 1.6rem;color:var(--dim);font-size:1.08rem;max-width:46rem;overflow-wrap:anywhere}
.bad{--tone:var(--bad)}.good{--tone:var(--good)}.wait{--tone:var(--wait)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.4rem;margin:0 0 1.6rem}
dt{color:var(--dim)}dd{margin:0;min-width:0;overflow-wrap:anywhere}
dd ul{list-style:none;margin:.2rem 0 0;padding:0}
.terminal{margin:0 0 1.4rem;border-radius:.7rem;background:#18181b;color:#e2e2e5;overflow:hidden;
border:1px solid #0000;box-shadow:0 1px 2px #0002,0 8px 24px #0000001f}
@media(prefers-color-scheme:dark){.terminal{background:#0d0d0e;border-color:var(--line);
box-shadow:none}}
.terminal p{margin:0;padding:.55rem 1rem;border-bottom:1px solid #ffffff14;color:#9b9ba3;
font-size:.8rem}
.terminal pre{margin:0;padding:.9rem 1rem 1rem;max-height:70vh;overflow:auto;font-size:.84rem;
line-height:1.5;white-space:pre-wrap;overflow-wrap:anywhere;tab-size:4}
.hint{margin:0;color:var(--dim)}
.hint.news{color:var(--good);font-weight:600}
.b{font-weight:700}.d{opacity:.65}.i{font-style:italic}.u{text-decoration:underline}
.s{text-decoration:line-through}.u.s{text-decoration:underline line-through}
.r{color:#18181b;background:#e2e2e5}
.f0{color:#6e6e78}.f1{color:#ff7b72}.f2{color:#6fd38b}.f3{color:#e6c15c}.f4{color:#79b0ff}
.f5{color:#d79bff}.f6{color:#5fd0d6}.f7{color:#d6d6da}.f8{color:#92929c}.f9{color:#ff9d94}
.f10{color:#95e6a8}.f11{color:#f6da86}.f12{color:#a5caff}.f13{color:#e6bfff}.f14{color:#93e6ea}
.f15{color:#fff}
.k0{background:#000}.k1{background:#b3261e}.k2{background:#1c7a3e}.k3{background:#8a6500}
.k4{background:#1f5fc4}.k5{background:#8339b8}.k6{background:#127a80}.k7{background:#c9c9ce}
.k8{background:#5c5c66}.k9{background:#e5534b}.k10{background:#2f9e57}.k11{background:#b58a14}
.k12{background:#3f83ea}.k13{background:#a45bd8}.k14{background:#1fa0a7}.k15{background:#fff}
.k7:not([class*=f]),.k15:not([class*=f]){color:#18181b}
@media(max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.7rem}
.terminal{margin-inline:-.5rem}.terminal pre{font-size:.76rem;max-height:none}}
)css";
}

// Asks the status, which is no error in the browser's console, and lets `/__hpp/wait` tell of the
// moment when a start is over. Who may not ask those (another machine, a name of this one that hpp
// does not know) asks for the page itself, without its body.
std::string_view error_script() {
  return R"js(
const page = document.body.dataset;
const hint = document.querySelector(".hint");
const output = document.querySelector("pre");
const ahead = page.now - Date.now();
let mayAskHpp = true;

if (output) output.scrollTop = output.scrollHeight;

function ago(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  const [n, unit] = s < 60 ? [s, "second"] : s < 3600 ? [Math.floor(s / 60), "minute"]
    : s < 86400 ? [Math.floor(s / 3600), "hour"] : [Math.floor(s / 86400), "day"];
  return s < 3 ? "just now" : `${n} ${unit}${n === 1 ? "" : "s"} ago`;
}

setInterval(() => {
  for (const time of document.querySelectorAll("time")) {
    time.textContent = ago(Date.now() + ahead - time.dataset.at);
  }
}, 1000);

async function askStatus() {
  const answer = await fetch("/__hpp/status");
  mayAskHpp = answer.status !== 403;
  return mayAskHpp ? (await answer.json()).backend : null;
}

async function isOver() {
  let backend = mayAskHpp ? await askStatus() : null;
  if (backend && !["Running", "Error"].includes(backend.state)) {
    await fetch("/__hpp/wait");
    backend = await askStatus();
  }
  if (mayAskHpp) {
    const isLive = backend?.state === "Running";
    if (!isLive && backend?.state !== "Error") return false;
    const isNews = String(backend.generation) !== page.generation || (isLive && page.live === "1");
    return isNews && (isLive || page.safe === "1");
  }
  if (page.safe !== "1") return false;
  const answer = await fetch(location.href, {method: "HEAD", cache: "no-store"});
  if (answer.status !== Number(page.status)) return true;
  return page.generation !== "0" && answer.headers.get("X-Hpp-Generation") !== page.generation;
}

async function watch() {
  try {
    if (!document.hidden && await isOver()) {
      if (page.safe === "1") return location.reload();
      hint.textContent = "Your server is back. This request was not a plain GET: send it again yourself.";
      hint.classList.add("news");
      return;
    }
  } catch {
    // hpp itself is away for a moment
  }
  setTimeout(watch, mayAskHpp ? 250 : 1000);
}

watch();
)js";
}

std::string_view home_page_head() {
  return R"html(<!doctype html>
<html lang="en" data-hpp>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>hpp</title>
<link rel="icon" href="data:,">
)html";
}

std::string_view home_page_body() {
  return R"html(<style>
.counts{display:flex;flex-wrap:wrap;gap:.5rem 2.2rem;margin:0 0 2.2rem;padding:0;list-style:none}
.counts b{display:block;font-size:1.5rem;line-height:1.2;font-weight:650;
font-variant-numeric:tabular-nums}
.counts li{color:var(--dim);font-size:.85rem}.counts b{color:var(--fg)}
h2{margin:0 0 .8rem;font-size:1rem;font-weight:650}
ol{list-style:none;margin:0;padding:0;border-top:1px solid var(--line)}
ol li{display:grid;grid-template-columns:3.2rem minmax(9rem,1fr) minmax(0,1.7fr);gap:.3rem 1.2rem;
padding:.8rem 0;border-bottom:1px solid var(--line);align-items:baseline}
ol .num{color:var(--dim);font-size:.85rem}
.why{min-width:0;overflow-wrap:anywhere}.why small,.steps{color:var(--dim);font-size:.84rem}
.why small{display:block}
.bar{display:flex;height:.5rem;border-radius:.25rem;overflow:hidden;background:var(--tint);
margin-bottom:.35rem}
.bar i{min-width:2px}.kill{background:var(--bad)}.start{background:var(--wait)}
.boot{background:var(--good)}
.steps span{display:inline-block;margin-right:1.1em;white-space:nowrap}
.steps span:before{content:"";display:inline-block;width:.55em;height:.55em;margin-right:.4em;
border-radius:2px;background:var(--c,var(--line))}
.steps .kill,.steps .start,.steps .boot{background:none}
.steps .kill{--c:var(--bad)}.steps .start{--c:var(--wait)}.steps .boot{--c:var(--good)}
.ended{color:var(--bad);font-size:.84rem}
#defects{margin:0 0 2.2rem}#defects ul{margin:0;padding-left:1.2rem}
#defects li{color:var(--wait)}#defects small{color:var(--dim);display:block}
.foot{margin-top:2rem;color:var(--dim);font-size:.85rem}
.foot a{color:inherit}
@media(max-width:40rem){ol li{grid-template-columns:2.4rem 1fr}.time{grid-column:2}}
</style>
<main>
<p class="kicker"><b id="state">hpp</b> <span id="since"></span></p>
<h1 id="title">hpp</h1>
<p class="lead" id="lead"><noscript>This page needs JavaScript; <a href="/__hpp/status">status</a>
does not.</noscript></p>
<ul class="counts" id="counts"></ul>
<div id="defects" hidden><h2>Defects in your server's answers, which hpp corrects</h2><ul></ul></div>
<h2>Starts of your server</h2>
<ol id="starts"></ol>
<p class="foot">As JSON: <a href="/__hpp/status">status</a>, <a href="/__hpp/history">history</a>,
<a href="/__hpp/wait">wait</a></p>
</main>
)html";
}

std::string_view home_page_script() {
  return R"js(
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

function timeOf(start) {
  const box = make("div", "", "time");
  const steps = stepsOf(start);
  const bar = make("div", "", "bar");
  const texts = make("div", "", "steps");
  for (const [name, word, ms] of steps) {
    const piece = make("i", "", name);
    piece.style.flexGrow = Math.max(ms, 0.001);
    bar.append(piece);
    texts.append(make("span", `${word} ${span(ms)}`, name));
  }
  const first = took(start.ready_at_ms, start.first_byte_at_ms);
  if (first !== null) texts.append(make("span", `first byte ${span(first)} later`));
  if (steps.length) box.append(bar);
  box.append(texts);
  if (start.ended) box.append(make("div", start.ended, "ended"));
  return box;
}

function rowOf(start, now, isNewest) {
  const row = make("li");
  const why = make("div", start.cause.text || "first start", "why");
  why.title = start.cause.changed.join("\n");
  const began = start.detected_at_ms || start.spawned_at_ms;
  const newest = start.ready_at_ms || start.ended_at_ms;
  const whole = took(began, newest);
  const small = began ? ago(now - began) : "";
  why.append(make("small", whole === null ? small : `${small}, took ${span(whole)} in all`));
  const time = timeOf(start);
  if (!newest && !isNewest) time.append(make("div", "killed before it answered", "steps"));
  row.append(make("div", start.generation, "num"), why, time);
  return row;
}

function show(now) {
  document.title = `${now.state ?? "hpp"} · hpp`;
  at("state").textContent = now.state ?? "No news of the server yet";
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
  at("starts").replaceChildren(...now.starts.map((start, i) => rowOf(start, now.now_ms, i === 0)));
}

async function watch() {
  try {
    if (!document.hidden) show(await (await fetch("/__hpp/history")).json());
  } catch {
    at("state").textContent = "hpp does not answer";
    at("state").parentElement.className = "kicker bad";
  }
  setTimeout(watch, 500);
}

watch();
)js";
}

}  // namespace hpp::proxyd
