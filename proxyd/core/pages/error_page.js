const page = document.body.dataset;
const hint = document.querySelector(".hint");
const output = document.querySelector(".output");
const ahead = page.now - Date.now();
let mayAskHpp = true;

if (output) output.scrollTop = output.scrollHeight;

function withoutEscapes(text) {
  return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b.|\r/g, "");
}

// A page that is not from this machine has no clipboard API (no secure context).
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.body.appendChild(document.createElement("textarea"));
  area.value = text;
  area.select();
  document.execCommand("copy");
  area.remove();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const name = button.textContent;
  button.addEventListener("click", async () => {
    try {
      await copy(withoutEscapes(button.dataset.copy));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => (button.textContent = name), 1500);
  });
}

// hpp accepts a POST only from its own address, so the buttons are shown when that is known.
const actions = document.querySelectorAll("[data-post]");
for (const button of actions) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      const answer = await fetch(button.dataset.post, {method: "POST"});
      hint.textContent = answer.ok ? button.dataset.done : await answer.text();
    } catch {
      hint.textContent = "hpp does not answer. Try again in a second.";
    }
    setTimeout(() => (button.disabled = false), 1500);
  });
}

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
  for (const button of actions) button.hidden = !mayAskHpp;
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
    // hpp-proxyd is being restarted: try again
  }
  setTimeout(watch, mayAskHpp ? 250 : 1000);
}

// Shows the output while the server starts. The box is only in a page that may show it.
const LINES_MAX = 500;
const FOLLOW_MS = 500;
const box = document.querySelector("[data-since]");
let newest = 0; // number of the last line that hpp has sent

async function showNewLines() {
  const answer = await fetch(`/__hpp/log?after=${newest}`);
  if (!answer.ok) return answer.status !== 403;
  const log = await answer.json();
  const isRestarted = log.newest < newest; // hpp-proxyd, which numbers the lines
  newest = isRestarted ? 0 : log.newest;
  if (isRestarted) {
    output.firstChild.replaceChildren();
    return showNewLines();
  }
  const isOfStart = ({at_ms, stream}) => stream !== "hpp" && at_ms >= box.dataset.since;
  const lines = log.lines.filter(isOfStart).slice(-LINES_MAX);
  if (!lines.length) return true;
  box.hidden = false;
  const isAtEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 4;
  for (const {html} of lines) {
    const line = document.createElement("span");
    line.innerHTML = `${html}\n`; // hpp has escaped it
    output.firstChild.append(line);
  }
  while (output.firstChild.children.length > LINES_MAX) output.firstChild.firstChild.remove();
  if (isAtEnd) output.scrollTop = output.scrollHeight;
  return true;
}

async function follow() {
  let goesOn = true;
  try {
    if (!document.hidden) goesOn = await showNewLines();
  } catch {
    // hpp-proxyd is being restarted: try again
  }
  if (goesOn) setTimeout(follow, FOLLOW_MS);
}

if (box) follow();
watch();
