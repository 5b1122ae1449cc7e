// hpp's client in the browser: keeps the page up to date, and shows an overlay if the server crashes.
//
// hpp sends its state (broadcast.h) when the client connects and whenever the state changes. The
// client compares it with the state that the page shows. Therefore a change is noticed even if it
// came while the laptop slept or while hpp-proxyd was restarted, and no reload is unnecessary.
(() => {
  "use strict";

  const started = Symbol.for("hpp.livereload");
  // The script runs once per page, and not on hpp's own pages.
  if (window[started] || document.documentElement.hasAttribute("data-hpp")) return;
  window[started] = true;

  const RETRY_MIN_MS = 50;
  const RETRY_MAX_MS = 5000;
  // As long as this page has had no answer: hpp probably refuses it, because it does not know the page's name.
  const RETRY_STRANGER_MAX_MS = 60000;
  // How long after its load event a page may grow until its old scroll position can be restored.
  const SCROLL_PATIENCE_MS = 3000;
  // How long an imported style sheet may take to load. After that, the page is reloaded instead.
  const IMPORT_PATIENCE_MS = 5000;
  const PROTOCOLS = ["http://livereload.com/protocols/official-7", "hpp-1"];

  // The WebSocket has the same origin as the script: LiveReload's port, or the main port, below /__hpp/. A `src` that
  // is only a path belongs to the page's own server. Do not resolve it by document.baseURI: a <base> after the script
  // would change that.
  const source = document.currentScript?.getAttribute("src") || "/__hpp/";
  const script = new URL(source, source.startsWith("/") ? location : document.baseURI);
  const nonce = document.currentScript?.nonce;
  const url = new URL("livereload", script);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  // On the main port, hpp refuses pages of another origin (own_endpoints.h), so trying again is pointless.
  if (script.pathname.startsWith("/__hpp/") && self.origin !== script.origin) {
    console.warn(`hpp: this page is of the origin ${self.origin} and cannot connect to ${url}, so it does not reload`);
    return;
  }

  // ---- values kept across a reload --------------------------------------------------------------

  // A browser may forbid the page to use storage. Then nothing is kept.
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

  // Browsers restore the scroll position themselves, but not if a script fills the page later. Stops
  // if the page restores the position itself (`scrollRestoration`), or if the user scrolls.
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

  // ---- the state that the page shows ------------------------------------------------------------

  let shown = null; // the state that the page shows: { epoch, generation, refresh }
  let asked = recall("asked"); // the name of the state that caused the last reload
  let latest = null; // the newest state that hpp has sent
  let mustReload = false; // a style sheet could not be swapped

  const scrolled = recall("scrolled");
  if (scrolled) restoreScroll(scrolled);

  function nameOf({ epoch, generation, refresh }) {
    return [epoch, generation, refresh.epoch, refresh.count].join("/");
  }

  // Returns the generation and the refresh that hpp has written into the page's Server-Timing field.
  // Both are undefined if the page did not come through hpp.
  function served() {
    const timings = performance.getEntriesByType("navigation")[0]?.serverTiming ?? [];
    const numbers = (name, format) =>
      format.exec(timings.find((timing) => timing.name === name)?.description)?.slice(1).map(Number);
    const [generation] = numbers("hpp", /^generation (\d+)$/) ?? [];
    const [epoch, count] = numbers("refresh", /^(\d+)\/(\d+)$/) ?? [];
    return { generation, refresh: count === undefined ? undefined : { epoch, count } };
  }

  // If the page was reloaded because of exactly this state, it counts as showing it, even if it came
  // from a cache and is older. Otherwise it would be reloaded again and again.
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
    // A hidden tab is updated when it becomes visible.
    if (document.hidden) return;
    let isOutdated = mustReload || state.epoch !== shown.epoch || state.generation !== shown.generation;
    // Epoch 0: proxyd was just started, and has no report from watchd yet.
    const refresh = state.refresh.epoch ? state.refresh : shown.refresh;
    // A new epoch also restarts the server, which reloads the page. Nothing needs to be done here.
    const missed = refresh.epoch === shown.refresh.epoch ? refresh.count - shown.refresh.count : 0;
    // If the count went down, hpp has lost count, and the page may have missed a change.
    if (missed < 0 || missed > 1 || (missed === 1 && refresh.page)) {
      isOutdated = true;
    } else {
      if (missed === 1) refreshStyles(refresh);
      shown.refresh = refresh;
    }
    if (state.state === "Error") {
      showCrash(state);
    } else if (state.crash && !isOutdated) {
      showCrash(state); // an older server answers, because the newest could not be built (--keep-last-good)
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
  let retryMaxMs = RETRY_STRANGER_MAX_MS;
  let retryTimer = 0;
  let isForbidden = false; // a policy of the page forbids the connection

  function connect() {
    clearTimeout(retryTimer);
    if (socket || isForbidden || document.hidden) return;
    const mine = new WebSocket(url);
    socket = mine;
    mine.onopen = () => mine.send(JSON.stringify({ command: "hello", protocols: PROTOCOLS }));
    mine.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      if (message.command === "hello") {
        retryMs = RETRY_MIN_MS;
        retryMaxMs = RETRY_MAX_MS;
      }
      if (message.command === "state") apply(message);
    };
    mine.onclose = () => {
      socket = null;
      retryTimer = setTimeout(connect, retryMs);
      retryMs = Math.min(2 * retryMs, retryMaxMs);
    };
  }

  // Before hpp adds the script to a page, it checks the Content-Security-Policy in the head of the answer (csp.h). But
  // it does not read that of a <meta>, which may forbid the connection. No policy of a page ever goes away.
  document.addEventListener("securitypolicyviolation", ({ disposition, effectiveDirective, blockedURI }) => {
    if (isForbidden || disposition !== "enforce" || effectiveDirective !== "connect-src" || blockedURI !== url.href) return;
    isForbidden = true;
    clearTimeout(retryTimer);
    console.warn(`hpp: the Content-Security-Policy of this page does not allow it to connect to ${url}, so it does not`
      + ` reload. Allow ${url.origin} in connect-src`);
    if (script.pathname.startsWith("/__hpp/")) reportForbidden();
  });

  // Asks for the script once more, because the policy allows that. hpp logs such a request (intake.h).
  function reportForbidden() {
    const request = document.createElement("script");
    request.onload = request.onerror = () => request.remove();
    try {
      const asked = new URL(script);
      asked.search = "?forbidden";
      request.src = asked;
    } catch {
      return; // the policy requires Trusted Types
    }
    if (nonce) request.nonce = nonce;
    document.documentElement.append(request);
  }

  // Reports what this page did about a refresh. hpp writes it to its log.
  function report({ epoch, count }, how) {
    if (socket?.readyState !== WebSocket.OPEN) return;
    socket.send(JSON.stringify({ command: "refreshed", epoch, count, how }));
  }

  // Connects and updates at once if the page is visible, without waiting for the retry timer.
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
  // A sheet is swapped if the page is certain to show the new text afterwards. Otherwise the page is
  // reloaded:
  //
  //   a <link>, also in an open shadow tree   swap: a copy of the link replaces it
  //   an @import in the sheet of a <link>     swap: a copy of the rule replaces it
  //   or <style>
  //   an @import inside an imported sheet     reload: Chromium changes the rules, but not the page
  //   a sheet that a script has loaded, a     reload: the document does not refer to it. The client
  //   CSS module, a closed shadow tree        only knows it from the page's requests
  //   a sheet with an import that changes     reload: the browser would take that import from its
  //   at the same time, or changed earlier    cache

  const cancelSwap = new WeakMap(); // for each link or rule that is being swapped, a function that cancels the swap
  const loading = new WeakSet(); // new links and rules that have not replaced the old ones yet
  const renewed = new Set(); // addresses of sheets that were swapped
  const requested = new Set(); // addresses of all style sheets that the page has loaded in any way
  const seen = new Set(); // addresses of sheets that the document has contained; it may have removed them since
  const byScript = new Set(); // addresses of sheets that were not loaded by a <link> or an @import
  const renewing = new Map(); // for each address, how many of our own requests resource timing has not listed yet

  // Without resource timing in the browser, only sheets in the document are found.
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

  // Returns a name that cannot be decoded (invalid UTF-8, a bare `%`) unchanged.
  function decoded(name) {
    try {
      return decodeURIComponent(name);
    } catch {
      return name;
    }
  }

  // Returns how many names at the end of two paths are the same, not counting the file extensions:
  // `a.scss` is served as `a.css`.
  function likeness(path, href) {
    const names = (text) => text.replace(/\.[^./]*$/, "").split("/").filter(Boolean).reverse();
    const [one, other] = [names(path), names(new URL(href, location).pathname).map(decoded)];
    let count = 0;
    while (count < one.length && one[count] === other[count]) ++count;
    return count;
  }

  // Returns null if `href` is not a valid URL; browsers load nothing from such an address.
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

  // Returns the URL with a new parameter, so that the browser does not use its cache.
  function uncached(href) {
    const fresh = new URL(href, document.baseURI);
    fresh.searchParams.set("hpp", Date.now().toString(36));
    return fresh.href;
  }

  // Returns the URL without the parameter that uncached() has added.
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

  // Returns the @import rules of a sheet; none if the sheet's origin does not allow the page to read
  // it.
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

  // Returns all style sheets from the page's own host: { address, below, swap }. `below`: addresses of the sheets that
  // the sheet imports. `swap` is null if the page must be reloaded instead.
  function styleSheets() {
    const found = [];
    const add = (href, sheet, swap) => {
      if (isNear(href)) found.push({ address: addressOf(href), below: addressesBelow(sheet), swap });
    };
    const addImports = (sheet, depth) => {
      for (const { rule, href } of importsOf(sheet)) {
        if (loading.has(rule)) continue;
        add(href, rule.styleSheet, depth === 0 ? () => swapImport(rule, href) : null);
        addImports(rule.styleSheet, depth + 1);
      }
    };
    for (const root of roots()) {
      const links = [...root.querySelectorAll("link[rel~=stylesheet][href]")].filter((link) => !loading.has(link));
      for (const link of links) add(link.href, link.sheet, () => swapLink(link));
      // Chromium does not list a sheet in root.styleSheets while one of its imports is loading.
      const sheets = new Set([...links.map((link) => link.sheet), ...root.styleSheets]);
      for (const sheet of sheets) {
        if (!loading.has(sheet?.ownerNode)) addImports(sheet, 0);
      }
    }
    for (const { address } of found) seen.add(address);
    for (const address of requested) {
      if (!seen.has(address) || byScript.has(address)) found.push({ address, below: [], swap: null });
    }
    return found;
  }

  // Returns the sheets with the most similar addresses. `paths`: the changed files. Returns all sheets if `paths` is null, or
  // if it has a path that is not like any sheet's.
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

  // Whether the page has adopted sheets. A script makes them, possibly from the changed file.
  function hasAdoptedSheets() {
    return roots().some(({ adoptedStyleSheets }) => adoptedStyleSheets?.length > 0);
  }

  // Swaps the changed sheets. If that fails for any reason, reloads the page.
  async function refreshStyles(refresh) {
    const outcome = await swapStyles(refresh).catch(() => null);
    if (outcome) return report(refresh, outcome);
    mustReload = true;
    apply(latest);
  }

  // Returns the outcome to report, or null if the page must be reloaded.
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
    if (chosen.length === 0) return !document.querySelector("style"); // a <style> may contain the changed file
    const isLikeOne = (path) => sheets.some(({ address }) => likeness(path, address) > 0);
    if (!paths?.every(isLikeOne) && hasAdoptedSheets()) return false;
    const stale = new Set([...renewed, ...chosen.map(({ address }) => address)]);
    return chosen.every(({ swap, below }) => swap && !below.some((address) => stale.has(address)));
  }

  // Returns whether the page shows all new sheets.
  async function swapAll(sheets) {
    for (const { address } of sheets) renewed.add(address);
    const shown = await Promise.all(sheets.map(({ swap }) => swap()));
    return shown.every(Boolean);
  }

  // Renews the browser's cache. Otherwise the next load of the page could get the old text from there.
  function renewCache(sheets) {
    const addresses = new Set(sheets.map(({ address }) => address));
    return Promise.allSettled([...addresses].map(async (address) => {
      renewing.set(address, (renewing.get(address) ?? 0) + 1);
      const answer = await fetch(address, { cache: "reload", mode: "no-cors", credentials: "include" });
      await answer.arrayBuffer();
    }));
  }

  // The old link stays until the new sheet is loaded, so that the page never shows without a style.
  function swapLink(link) {
    cancelSwap.get(link)?.();
    if (link.disabled) {
      link.href = uncached(link.href);
      return true;
    }
    const fresh = link.cloneNode();
    fresh.href = uncached(link.href);
    fresh.removeAttribute("integrity"); // the hash of the old text
    loading.add(fresh);
    return new Promise((resolve) => {
      // Called if the sheet changes again during the swap. A removed link fires no event, so without resolve(),
      // swapAll() would wait forever.
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

  // Like swapLink(), with rules instead of links.
  function swapImport(rule, href) {
    cancelSwap.get(rule)?.();
    const sheet = rule.parentStyleSheet;
    const placeOf = (one) => [...sheet.cssRules].indexOf(one);
    const rest = rule.cssText.replace(/^@import\s+(url\((".*?"|.*?)\)|".*?")/, "");
    sheet.insertRule(`@import url("${uncached(href)}")${rest}`, placeOf(rule) + 1);
    const fresh = sheet.cssRules[placeOf(rule) + 1];
    loading.add(fresh);
    const end = performance.now() + IMPORT_PATIENCE_MS;
    return new Promise((resolve) => {
      cancelSwap.set(rule, () => {
        sheet.deleteRule(placeOf(fresh));
        resolve(true);
      });
      const look = () => {
        if (placeOf(fresh) < 0) return; // the swap was cancelled
        const isThere = fresh.styleSheet !== null;
        if (!isThere && performance.now() < end) return void requestAnimationFrame(look);
        cancelSwap.delete(rule);
        loading.delete(fresh);
        if (isThere) sheet.deleteRule(placeOf(rule));
        resolve(isThere);
      };
      look();
    });
  }

  // ---- the overlay after a crash ----------------------------------------------------------------

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
    /* A strip: the site works, so the error must not cover it. */
    section.strip { bottom: 0; margin-bottom: 0; width: 100vw; max-width: none; border-width: 3px 0 0; border-radius: 0; }
    section.strip :is(.how, .command, .source, .output, .fix, .more) { display: none; }
    section.strip h1 { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2; overflow: hidden; }
    section.strip footer { border-top: 0; padding: 0 18px calc(10px + env(safe-area-inset-bottom)); }
    section:not(.strip) .details { display: none; }
    section.restarting { --accent: #bf8700; }
    section.restarting .output, section.restarting .source { opacity: .55; }
    @media print { section { display: none; } }
    header { display: flex; gap: 12px; align-items: flex-start; padding: 12px 12px 10px 18px; }
    div { flex: 1; min-width: 0; }
    h1 { margin: 0; font: 600 16px/1.5 system-ui, sans-serif; color: var(--accent); overflow-wrap: anywhere; }
    h1.error { font: 600 15px/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; margin: 2px 0 4px; }
    .kicker { font-size: 13px; }
    .kicker:empty, .how:empty { display: none; }
    p { margin: 0; color: var(--soft); overflow-wrap: anywhere; }
    code, pre { font: 13px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
    code { color: var(--text); }
    code:empty, .output:empty, .source:empty { display: none; }
    .output, .source { overflow: auto; tab-size: 4; background: var(--code); border-top: 1px solid var(--line); }
    .output { min-height: 3em; padding: 10px 0; max-height: 38vh; }
    pre { margin: 0; padding: 0 18px; white-space: pre-wrap; overflow-wrap: anywhere; }
    .source { flex: none; padding: 8px 0; }
    .source pre { padding: 0; white-space: pre; width: max-content; min-width: 100%; }
    .line { display: block; padding-right: 18px; }
    .line i { display: inline-block; width: 3.2em; margin-right: 1.2em; text-align: right; font-style: normal;
      color: var(--soft); user-select: none; }
    .here { background: color-mix(in srgb, var(--accent) 14%, transparent); box-shadow: inset 3px 0 var(--accent); }
    .here i { color: var(--text); font-weight: 700; }
    summary { padding: 1px 18px; color: var(--soft); font-size: 13px; cursor: pointer; }
    details pre { opacity: .7; }
    footer { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; padding: 9px 18px 10px; color: var(--soft);
      font-size: 13px; border-top: 1px solid var(--line); }
    footer span { flex: 1 1 18em; }
    button, .button {
      padding: 4px 10px; text-decoration: none; border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
      font: 13px/1.5 system-ui, sans-serif; color: var(--text); background: none;
    }
    button:hover, .button:hover { background: var(--code); }
    button.close { width: 32px; height: 32px; padding: 0; border: 0; font-size: 20px; line-height: 1; color: var(--soft); }
    [hidden] { display: none; }
    button:focus-visible, .button:focus-visible, .output:focus-visible, .source:focus-visible { outline: 2px solid var(--accent);
      outline-offset: -2px; }
  `;

  let overlay = null; // the elements that showCrash() fills, by name
  let dismissed = null; // the failure whose overlay the user has closed

  function element(tag, parent, text = "", attributes = {}) {
    const made = document.createElement(tag);
    made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    parent.append(made);
    return made;
  }

  // The server's output is only inserted as text. The overlay is in a shadow tree, so that the page's style does not
  // apply to it. Its own style is an adopted sheet, because no Content-Security-Policy forbids those.
  function buildOverlay() {
    const host = document.createElement("hpp-overlay");
    const root = host.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(STYLE);
    root.adoptedStyleSheets = [style];
    const section = element("section", root, "", { role: "alert" });
    const header = element("header", section);
    const words = element("div", header);
    const kicker = element("p", words, "", { class: "kicker" });
    const title = element("h1", words);
    const place = element("code", element("p", words));
    const how = element("p", words, "", { class: "how" });
    const command = element("code", element("p", words, "", { class: "command" }));
    const close = element("button", header, "×", { "aria-label": "Dismiss", title: "Dismiss (Esc)", class: "close" });
    close.onclick = dismiss;
    const source = element("div", section, "", { tabindex: "0", "aria-label": "Source", class: "source" });
    const output = element("div", section, "", { tabindex: "0", "aria-label": "Output", class: "output" });
    const footer = element("footer", section);
    const fix = element("span", footer, "", { class: "fix" });
    const details = element("button", footer, "Show details", { class: "details" });
    details.onclick = () => {
      section.classList.remove("strip");
      output.scrollTop = output.scrollHeight;
    };
    const editorLink = element("a", footer, "Open in VS Code", { class: "button" });
    const editorButton = element("button", footer, "Open in editor");
    const copyError = element("button", footer, "Copy", { class: "more" });
    const copyReport = element("button", footer, "Copy for an AI assistant", { class: "more" });
    const restart = element("button", footer, "Restart the server", { class: "more" });
    restart.onclick = () => ask(restart, "/__hpp/restart", "run hpp-ctl restart");
    return { host, section, kicker, title, place, how, command, source, output, fix, editorLink, editorButton,
      copyError, copyReport };
  }

  // hpp accepts a POST only from a page of its own address (own_endpoints.h). `cure`: what the user can do instead.
  async function ask(button, path, cure) {
    button.disabled = true;
    let accepted = false;
    try {
      accepted = (await fetch(path, { method: "POST" })).ok;
    } catch {}
    button.disabled = false;
    if (!accepted) button.textContent = `Not possible from this page: ${cure}`;
  }

  // `target`: see FailureNotes in crash_json.h. hpp leaves it out for other machines, and for files outside the project.
  function showEditor({ editorLink, editorButton }, target, where) {
    const isCommand = target === "/__hpp/open-editor";
    editorLink.hidden = !target?.startsWith("vscode:");
    editorButton.hidden = !isCommand;
    if (!editorLink.hidden) editorLink.href = target;
    if (isCommand) editorButton.onclick = () => ask(editorButton, target, `open ${where}`);
  }

  // A page that is not from this machine has no clipboard API (no secure context).
  async function copy(text, button) {
    const name = button.dataset.name ??= button.textContent;
    try {
      await navigator.clipboard.writeText(withoutEscapes(text));
      button.textContent = "Copied";
    } catch {
      button.textContent = "The browser does not allow it";
    }
    setTimeout(() => { button.textContent = name; }, 1500);
  }

  function showSource(parent, lines) {
    parent.replaceChildren();
    if (!lines?.length) return;
    const all = element("pre", parent);
    for (const { number, text, here } of lines) {
      const line = element("span", all, "", { class: here ? "line here" : "line" });
      element("i", line, number);
      line.append(`${text}\n`);
    }
  }

  // Calls in libraries and the runtime are folded.
  function showOutput(parent, { parts, output }) {
    parent.replaceChildren();
    for (const { text, lines, foreign } of parts ?? (output ? [{ text: output }] : [])) {
      const into = foreign ? element("details", parent) : parent;
      if (foreign) element("summary", into, `${lines} line${lines === 1 ? "" : "s"} in libraries`);
      element("pre", into, withoutEscapes(text));
    }
  }

  // Removes a terminal's escape sequences (colours, cursor movements) and carriage returns.
  function withoutEscapes(text) {
    // eslint-disable-next-line no-control-regex
    return text.replace(/\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)|\x1b.|\r/g, "");
  }

  // A failed build beside a running server has no generation of its own.
  function failureOf({ generation, state, crash }) {
    return JSON.stringify([generation, state, crash?.report]);
  }

  function showCrash(state) {
    if (dismissed === failureOf(state)) return;
    overlay ??= buildOverlay();
    const { section, kicker, title, place, how, command, source, output, fix, host } = overlay;
    const { crash } = state;
    const sentence = `${crash.how[0].toUpperCase()}${crash.how.slice(1)}.`;
    const name = crash.title ?? "Your server has crashed";
    const where = crash.error?.file + (crash.error?.line ? `:${crash.error.line}` : "");
    const isBeside = state.state === "Running";
    const goesOn = isBeside ? "Your server still runs, without your last save." : "";
    section.className = isBeside ? "strip" : "";
    kicker.textContent = crash.error ? `${name}. ${goesOn || sentence}` : goesOn;
    fix.textContent = `${crash.next} This page then reloads by itself.`;
    title.className = crash.error ? "error" : "";
    title.textContent = crash.error?.message ?? name;
    place.textContent = crash.error?.file ? where : "";
    how.textContent = crash.error ? "" : sentence;
    command.textContent = crash.command;
    showSource(source, crash.error?.source);
    showOutput(output, crash);
    const lines = crash.error?.source.map(({ number, text, here }) => `${here ? ">" : " "} ${number} | ${text}\n`) ?? [];
    const error = crash.error ? `${where}: ${crash.error.message}\n\n${lines.join("")}` : `${name}: ${crash.how}`;
    overlay.copyError.onclick = () => copy(error, overlay.copyError);
    overlay.copyReport.onclick = () => copy(crash.report, overlay.copyReport);
    overlay.copyReport.hidden = !crash.report;
    showEditor(overlay, crash.editor, where);
    if (!host.isConnected) document.documentElement.append(host);
    output.scrollTop = output.scrollHeight;
  }

  function showRestart() {
    if (!overlay?.host.isConnected) return;
    const isStrip = overlay.section.classList.contains("strip");
    overlay.section.className = isStrip ? "strip restarting" : "restarting";
    overlay.kicker.textContent = "";
    overlay.title.className = "";
    overlay.title.textContent = "Your server is starting again…";
  }

  function hideCrash() {
    overlay?.host.remove();
  }

  function dismiss() {
    if (!overlay?.host.isConnected) return;
    dismissed = failureOf(latest);
    hideCrash();
  }

  addEventListener("keydown", ({ key }) => {
    if (key === "Escape") dismiss();
  });

  connect();
})();
