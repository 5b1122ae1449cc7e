// hpp's client in the browser: brings the page up to date, and shows over it why the server crashed.
//
// hpp tells how things stand (broadcast.h): on connecting, and whenever that changes. What the page
// shows is compared with it, so it makes no difference whether a change came just now, while the
// laptop slept or while hpp-proxyd was restarted; and nothing is reloaded without need.
(() => {
  "use strict";

  const started = Symbol.for("hpp.livereload");
  // Once for each page, and on none of hpp's own.
  if (window[started] || document.documentElement.hasAttribute("data-hpp")) return;
  window[started] = true;

  const RETRY_MIN_MS = 50;
  const RETRY_MAX_MS = 5000;
  // How long a page may take to grow until it can be scrolled to where it was.
  const SCROLL_PATIENCE_MS = 3000;
  // How long an imported style sheet may take until the page is reloaded instead.
  const IMPORT_PATIENCE_MS = 5000;
  const PROTOCOLS = ["http://livereload.com/protocols/official-7", "hpp-1"];

  // The WebSocket is beside the script: on LiveReload's own port, or below /__hpp/ on the main one. A path is one of
  // the page's own server: a <base> that the page had after the script would lead to another.
  const source = document.currentScript?.getAttribute("src") || "/__hpp/";
  const script = new URL(source, source.startsWith("/") ? location : document.baseURI);
  const url = new URL("livereload", script);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  // hpp refuses that on the main port to a page of another origin (own_endpoints.h), and nothing will change that.
  if (script.pathname.startsWith("/__hpp/") && self.origin !== script.origin) {
    console.warn(`hpp: this page is of the origin ${self.origin} and cannot connect to ${url}, so it does not reload`);
    return;
  }

  // ---- across a reload --------------------------------------------------------------------------

  // Storage may be forbidden to a page; then it does without.
  function remember(name, value) {
    try {
      sessionStorage.setItem(`hpp.${name}`, JSON.stringify(value));
    } catch {}
  }

  function recall(name) {
    try {
      const text = sessionStorage.getItem(`hpp.${name}`);
      sessionStorage.removeItem(`hpp.${name}`);
      return JSON.parse(text);
    } catch {
      return null;
    }
  }

  // Browsers restore the position themselves, but not where a script fills the page later. A page
  // that does it itself says so by `scrollRestoration`, and a user who scrolls knows better.
  function restoreScroll({ href, left, top }) {
    if (href !== location.href) return;
    const ends = new AbortController();
    const growth = new ResizeObserver(scroll);
    function stop() {
      growth.disconnect();
      ends.abort();
    }
    function scroll() {
      if (history.scrollRestoration !== "auto") return stop();
      scrollTo({ left, top, behavior: "instant" });
      if (Math.abs(scrollX - left) <= 1 && Math.abs(scrollY - top) <= 1) stop();
    }
    for (const input of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      addEventListener(input, stop, { signal: ends.signal, passive: true });
    }
    addEventListener("load", () => {
      growth.observe(document.documentElement);
      if (document.body) growth.observe(document.body);
      setTimeout(stop, SCROLL_PATIENCE_MS);
    }, { signal: ends.signal });
  }

  // ---- what the page shows ----------------------------------------------------------------------

  let shown = null; // the state that it was made in: { epoch, generation, refresh }
  let asked = recall("asked"); // the state for which it was loaded anew
  let latest = null; // what hpp says
  let mustReload = false; // a style sheet could not be swapped

  const scrolled = recall("scrolled");
  if (scrolled) restoreScroll(scrolled);

  function nameOf({ epoch, generation, refresh }) {
    return [epoch, generation, refresh.epoch, refresh.count].join("/");
  }

  // hpp says in each response which start of the server gave it, and how many changes for browsers
  // there had been; nothing where a page came from elsewhere.
  function served() {
    const timings = performance.getEntriesByType("navigation")[0]?.serverTiming ?? [];
    const numbers = (name, format) =>
      format.exec(timings.find((timing) => timing.name === name)?.description)?.slice(1).map(Number);
    const [generation] = numbers("hpp", /^generation (\d+)$/) ?? [];
    const [epoch, count] = numbers("refresh", /^(\d+)\/(\d+)$/) ?? [];
    return { generation, refresh: count === undefined ? undefined : { epoch, count } };
  }

  // A page that was loaded for this very state shows it, even if a cache made it look older: else
  // it would be loaded again and again.
  function firstShown(state) {
    const { generation, refresh } = asked === nameOf(state) ? {} : served();
    return {
      epoch: state.epoch,
      generation: generation ?? (state.state === "Loading" ? state.generation - 1 : state.generation),
      refresh: refresh ?? state.refresh,
    };
  }

  function apply(state) {
    latest = state;
    shown ??= firstShown(state);
    // A hidden tab waits until it is seen.
    if (document.hidden) return;
    let isOutdated = mustReload || state.epoch !== shown.epoch || state.generation !== shown.generation;
    // A proxyd that was just started may not know of any yet.
    const refresh = state.refresh.epoch ? state.refresh : shown.refresh;
    // With another epoch comes a restart of the server.
    const missed = refresh.epoch === shown.refresh.epoch ? refresh.count - shown.refresh.count : 0;
    // Fewer: hpp has lost count, and the page may have missed something.
    if (missed < 0 || missed > 1 || (missed === 1 && refresh.page)) {
      isOutdated = true;
    } else {
      if (missed === 1) refreshStyles(refresh);
      shown.refresh = refresh;
    }
    if (state.state === "Error") {
      showCrash(state);
    } else if (state.state !== "Running") {
      showRestart();
    } else if (isOutdated) {
      reload(state);
    } else {
      hideCrash();
    }
  }

  function reload(state) {
    if (asked === nameOf(state)) return;
    asked = nameOf(state);
    remember("asked", asked);
    report(state.refresh, "reloaded");
    if (history.scrollRestoration === "auto") {
      remember("scrolled", { href: location.href, left: scrollX, top: scrollY });
    }
    location.reload();
  }

  // ---- the connection ---------------------------------------------------------------------------

  let socket = null;
  let retryMs = RETRY_MIN_MS;
  let retryTimer = 0;

  function connect() {
    clearTimeout(retryTimer);
    if (socket || document.hidden) return;
    const mine = new WebSocket(url);
    socket = mine;
    mine.onopen = () => mine.send(JSON.stringify({ command: "hello", protocols: PROTOCOLS }));
    mine.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.command === "hello") retryMs = RETRY_MIN_MS;
      if (message.command === "state") apply(message);
    };
    mine.onclose = () => {
      socket = null;
      retryTimer = setTimeout(connect, retryMs);
      retryMs = Math.min(2 * retryMs, RETRY_MAX_MS);
    };
  }

  // For the log: what became of that change in this page.
  function report({ epoch, count }, how) {
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ command: "refreshed", epoch, count, how }));
  }

  // Whoever looks at the page wants it now.
  function wake() {
    if (document.hidden) return;
    retryMs = RETRY_MIN_MS;
    if (latest) apply(latest);
    connect();
  }

  document.addEventListener("visibilitychange", wake);
  addEventListener("pageshow", wake);
  addEventListener("online", wake);

  // ---- style sheets -----------------------------------------------------------------------------
  //
  // A sheet is swapped if that shows it for certain; otherwise the page is reloaded:
  //
  //   a <link>, also in an open shadow tree   a copy of the link takes its place
  //   an @import in the sheet of a <link>     a copy of the rule takes its place
  //   or <style>
  //   an @import inside an imported sheet     reload: Chromium changes the rules, but not the page
  //   a sheet that a script has loaded, a     reload: nothing in the document leads to it. Only the
  //   CSS module, a closed shadow tree        requests of the page tell that it is there
  //   a sheet whose import changes with it,   reload: the browser would take that import from its
  //   or has changed before                   cache

  const cancelSwap = new WeakMap(); // from a link to a function that gives up the copy which is to take its place
  const loading = new WeakSet(); // the links that are to take the place of others
  const renewed = new Set(); // addresses of sheets that were swapped
  const requested = new Set(); // addresses of all style sheets that the page has loaded, in whatever way
  const seen = new Set(); // addresses of those that were found in the document: where they are not now, they are gone
  const byScript = new Set(); // those that something else than a <link> or an @import has loaded
  const renewing = new Map(); // addresses, and how many of our own requests for each are not in the timing yet

  // A browser may not know resource timing; then only what the document tells counts.
  try {
    new PerformanceObserver((list) => {
      for (const { name, initiatorType, contentType } of list.getEntries()) {
        const isCss = contentType ? contentType === "text/css" : new URL(name).pathname.endsWith(".css");
        if (!isCss || !isNear(name)) continue;
        const address = addressOf(name);
        const own = initiatorType === "fetch" ? (renewing.get(address) ?? 0) : 0;
        if (own > 0) {
          renewing.set(address, own - 1);
          continue;
        }
        requested.add(address);
        if (!["link", "css"].includes(initiatorType)) byScript.add(address);
      }
    }).observe({ type: "resource", buffered: true });
  } catch {}

  // A name may be no UTF-8, or have a bare `%`.
  function decoded(name) {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;
    }
  }

  // How many names at the end of two paths are the same, without the endings: `a.scss` is served
  // as `a.css`.
  function likeness(path, href) {
    const names = (text) => text.replace(/\.[^./]*$/, "").split("/").filter(Boolean).reverse();
    const [one, other] = [names(path), names(new URL(href, location).pathname).map(decoded)];
    let count = 0;
    while (count < one.length && one[count] === other[count]) ++count;
    return count;
  }

  // Null: `href` is no URL, and nothing is loaded from there.
  function urlOf(href, base) {
    try {
      return new URL(href, base);
    } catch {
      return null;
    }
  }

  function isNear(href) {
    return urlOf(href, location)?.hostname === location.hostname;
  }

  function anew(href) {
    const fresh = new URL(href, document.baseURI);
    fresh.searchParams.set("hpp", Date.now().toString(36));
    return fresh.href;
  }

  // The URL without the parameter that anew() has added.
  function addressOf(href) {
    const url = new URL(href, location);
    if (url.searchParams.has("hpp")) url.searchParams.delete("hpp");
    url.hash = "";
    return url.href;
  }

  // The document and all open shadow trees in it.
  function roots() {
    const found = [document];
    for (const root of found) {
      for (const { shadowRoot } of root.querySelectorAll("*")) {
        if (shadowRoot && shadowRoot.host !== overlay?.host) found.push(shadowRoot);
      }
    }
    return found;
  }

  // The @import rules of a sheet; none where another origin keeps them to itself.
  function importsOf(sheet) {
    const found = [];
    try {
      for (const rule of sheet?.cssRules ?? []) {
        if (rule instanceof CSSImportRule) {
          const url = urlOf(rule.href, sheet.href ?? document.baseURI);
          if (url) found.push({ rule, href: url.href });
        } else if (rule.cssText.startsWith("@layer") && !rule.cssRules) {
          continue; // the only other rule that may stand before an import
        } else {
          break;
        }
      }
    } catch {}
    return found;
  }

  function addressesBelow(sheet) {
    return importsOf(sheet).flatMap(({ rule, href }) => [addressOf(href), ...addressesBelow(rule.styleSheet)]);
  }

  // All of this machine: { address, below, swap }. `below`: addresses of the sheets that it imports. `swap` is null if
  // only a reload is certain.
  function styleSheets() {
    const found = [];
    const add = (href, sheet, swap) => {
      if (isNear(href)) found.push({ address: addressOf(href), below: addressesBelow(sheet), swap });
    };
    const addImports = (sheet, depth) => {
      for (const { rule, href } of importsOf(sheet)) {
        add(href, rule.styleSheet, depth === 0 ? () => swapImport(rule, href) : null);
        addImports(rule.styleSheet, depth + 1);
      }
    };
    for (const root of roots()) {
      for (const link of root.querySelectorAll("link[rel~=stylesheet][href]")) {
        if (!loading.has(link)) add(link.href, link.sheet, () => swapLink(link));
      }
      for (const sheet of root.styleSheets) {
        if (!loading.has(sheet.ownerNode)) addImports(sheet, 0);
      }
    }
    for (const { address } of found) seen.add(address);
    for (const address of requested) {
      if (!seen.has(address) || byScript.has(address)) found.push({ address, below: [], swap: null });
    }
    return found;
  }

  // `paths`: of the files that changed; null, or one that none is like: all.
  function chosenOf(sheets, paths) {
    const chosen = new Set(paths ? [] : sheets);
    for (const path of paths ?? []) {
      const best = Math.max(...sheets.map(({ address }) => likeness(path, address)));
      for (const sheet of sheets) {
        if (likeness(path, sheet.address) === best) chosen.add(sheet);
      }
    }
    return [...chosen];
  }

  // Whether a script has given sheets to the page, which may be made of anything.
  function hasAdoptedSheets() {
    return roots().some(({ adoptedStyleSheets }) => adoptedStyleSheets?.length > 0);
  }

  // Whatever goes wrong, a reload shows the new sheets.
  async function refreshStyles(refresh) {
    const outcome = await swapStyles(refresh).catch(() => null);
    if (outcome) return report(refresh, outcome);
    mustReload = true;
    apply(latest);
  }

  // Returns what to report; null: the page must be reloaded.
  async function swapStyles(refresh) {
    const sheets = styleSheets();
    const paths = refresh.all_css ? null : refresh.css;
    const chosen = chosenOf(sheets, paths);
    const renewal = renewCache(chosen);
    const isShown = canSwap(sheets, chosen, paths) && (await swapAll(chosen).catch(() => false));
    if (isShown) return chosen.length > 0 ? "swapped" : "unaffected";
    await renewal;
    return null;
  }

  function canSwap(sheets, chosen, paths) {
    if (chosen.length === 0) return !document.querySelector("style"); // it may be from that file
    const isLikeOne = (path) => sheets.some(({ address }) => likeness(path, address) > 0);
    if (!paths?.every(isLikeOne) && hasAdoptedSheets()) return false;
    const stale = new Set([...renewed, ...chosen.map(({ address }) => address)]);
    return chosen.every(({ swap, below }) => swap && !below.some((address) => stale.has(address)));
  }

  // Returns whether all of them are shown.
  async function swapAll(sheets) {
    for (const { address } of sheets) renewed.add(address);
    const shown = await Promise.all(sheets.map(({ swap }) => swap()));
    return shown.every(Boolean);
  }

  // The browser may have a copy of the old text for the address that the page names, and take that at the next load.
  function renewCache(sheets) {
    const addresses = new Set(sheets.map(({ address }) => address));
    return Promise.allSettled([...addresses].map(async (address) => {
      renewing.set(address, (renewing.get(address) ?? 0) + 1);
      const answer = await fetch(address, { cache: "reload", mode: "no-cors", credentials: "include" });
      await answer.arrayBuffer();
    }));
  }

  // The old one stays until the new one is there: nothing flashes.
  function swapLink(link) {
    cancelSwap.get(link)?.();
    if (link.disabled) {
      link.href = anew(link.href);
      return true;
    }
    const fresh = link.cloneNode();
    fresh.href = anew(link.href);
    fresh.removeAttribute("integrity"); // of the old text
    loading.add(fresh);
    return new Promise((resolve) => {
      // A later change takes over. A link that was removed fires no event, and the other sheets of this change would
      // wait for one without end.
      cancelSwap.set(link, () => {
        fresh.onload = fresh.onerror = null;
        fresh.remove();
        resolve(true);
      });
      fresh.onload = () => {
        loading.delete(fresh);
        link.remove();
        resolve(true);
      };
      fresh.onerror = () => {
        fresh.remove();
        resolve(false);
      };
      link.after(fresh);
    });
  }

  function swapImport(rule, href) {
    const sheet = rule.parentStyleSheet;
    const place = () => [...sheet.cssRules].indexOf(rule);
    const rest = rule.cssText.replace(/^@import\s+(url\((".*?"|.*?)\)|".*?")/, "");
    sheet.insertRule(`@import url("${anew(href)}")${rest}`, place() + 1);
    const fresh = sheet.cssRules[place() + 1];
    const end = performance.now() + IMPORT_PATIENCE_MS;
    return new Promise((resolve) => {
      const look = () => {
        const isThere = fresh.styleSheet !== null;
        if (place() < 0) return resolve(isThere); // a later change has taken it away
        if (!isThere && performance.now() < end) return void requestAnimationFrame(look);
        if (isThere) sheet.deleteRule(place());
        resolve(isThere);
      };
      look();
    });
  }

  // ---- the crash --------------------------------------------------------------------------------

  const STYLE = `
    :host { all: initial; color-scheme: light dark; }
    section {
      --ground: #fff; --text: #1f2328; --soft: #59636e; --line: #d1d9e0; --code: #f6f8fa;
      --accent: #cf222e;
      position: fixed; z-index: 2147483647; inset: auto 0 16px; margin: 0 auto;
      width: min(960px, calc(100vw - 32px)); max-height: calc(100vh - 32px);
      box-sizing: border-box; display: flex; flex-direction: column; overflow: hidden;
      color: var(--text); background: var(--ground);
      border: 1px solid var(--line); border-top: 3px solid var(--accent); border-radius: 10px;
      box-shadow: 0 1px 3px rgb(0 0 0 / .12), 0 12px 40px rgb(0 0 0 / .28);
      font: 14px/1.5 system-ui, sans-serif; text-align: start;
    }
    @media (prefers-color-scheme: dark) {
      section {
        --ground: #151b23; --text: #e6edf3; --soft: #9198a1; --line: #3d444d; --code: #0d1117;
        --accent: #f85149;
      }
    }
    section.restarting { --accent: #bf8700; }
    section.restarting pre { opacity: .55; }
    @media print { section { display: none; } }
    header { display: flex; gap: 12px; align-items: flex-start; padding: 12px 12px 10px 18px; }
    div { flex: 1; min-width: 0; }
    h1 { margin: 0; font: 600 16px/1.5 system-ui, sans-serif; color: var(--accent); }
    p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
    code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
    code { color: var(--text); }
    code:empty, pre:empty { display: none; }
    pre {
      margin: 0; padding: 12px 18px; max-height: 45vh; overflow: auto; tab-size: 4;
      white-space: pre-wrap; overflow-wrap: anywhere; background: var(--code);
      border-top: 1px solid var(--line); border-bottom: 1px solid var(--line);
    }
    footer { padding: 8px 18px 10px; color: var(--soft); font-size: 13px; }
    button {
      width: 32px; height: 32px; padding: 0; border: 0; border-radius: 6px; cursor: pointer;
      font: 20px/1 system-ui, sans-serif; color: var(--soft); background: none;
    }
    button:hover { color: var(--text); background: var(--code); }
    button:focus-visible, pre:focus-visible { outline: 2px solid var(--accent); outline-offset: -2px; }
  `;

  let overlay = null; // { host, section, title, how, command, output }
  let dismissed = null; // the generation whose crash the user has seen enough of

  function element(tag, parent, text = "", attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent.append(made);
    return made;
  }

  // Text and nothing but text, in a shadow tree: what a server prints is no part of the page, and
  // the page's style none of the overlay's. The style passes whatever policy the page has (CSP).
  function buildOverlay() {
    const host = document.createElement("hpp-overlay");
    const root = host.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    const section = element("section", root, "", { role: "alert" });
    const header = element("header", section);
    const words = element("div", header);
    const title = element("h1", words);
    const how = element("p", words);
    const command = element("code", element("p", words));
    const close = element("button", header, "×", { "aria-label": "Dismiss", title: "Dismiss (Esc)" });
    close.onclick = dismiss;
    const output = element("pre", section, "", { tabindex: "0", "aria-label": "Output" });
    element("footer", section, "Save a fix, and this page comes back by itself.");
    return { host, section, title, how, command, output };
  }

  // The colours and cursor movements of a terminal.
  function withoutEscapes(text) {
    // eslint-disable-next-line no-control-regex
    return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b.|\r/g, "");
  }

  function showCrash(state) {
    if (dismissed === state.generation) return;
    overlay ??= buildOverlay();
    const { section, title, how, command, output, host } = overlay;
    section.className = "";
    title.textContent = "Your server has crashed";
    how.textContent = `${state.crash.how[0].toUpperCase()}${state.crash.how.slice(1)}.`;
    command.textContent = state.crash.command;
    output.textContent = withoutEscapes(state.crash.output);
    if (!host.isConnected) document.documentElement.append(host);
    output.scrollTop = output.scrollHeight;
  }

  function showRestart() {
    if (!overlay?.host.isConnected) return;
    overlay.section.className = "restarting";
    overlay.title.textContent = "Your server is starting again…";
  }

  function hideCrash() {
    overlay?.host.remove();
  }

  function dismiss() {
    if (!overlay?.host.isConnected) return;
    dismissed = latest.generation;
    hideCrash();
  }

  addEventListener("keydown", ({ key }) => {
    if (key === "Escape") dismiss();
  });

  connect();
})();
