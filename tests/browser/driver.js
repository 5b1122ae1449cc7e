// Drives Chromium for the tests in Python: reads one command per line (JSON), and answers each with a line.
//   node driver.js /usr/bin/chromium
"use strict";

const readline = require("node:readline");
const { setTimeout } = require("node:timers/promises");
const { chromium } = require("playwright-core");

const contexts = [];
const pages = []; // { page, loads, states, log }

const commands = {
  // A context of its own, so that the page does not share storage with others.
  async context(browser, options) {
    return contexts.push(await browser.newContext(options)) - 1;
  },

  async closeContext(_, { context }) {
    await contexts[context].close();
  },

  async page(_, { context }) {
    const page = await contexts[context].newPage();
    const entry = { page, loads: 0, states: 0, log: [] };
    page.on("domcontentloaded", () => ++entry.loads);
    page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
      if (payload.includes('"command":"state"')) ++entry.states;
    }));
    page.on("console", (message) => entry.log.push(message.text()));
    page.on("pageerror", (error) => entry.log.push(`uncaught: ${error}`));
    return pages.push(entry) - 1;
  },

  goto: (_, { page, url }) => pages[page].page.goto(url).then(() => null),
  evaluate: (_, { page, code }) => pages[page].page.evaluate(code),

  // waitForFunction would not work, because a strict policy of the page forbids it to evaluate code.
  async wait(_, { page, code, timeout }) {
    const end = performance.now() + timeout;
    for (;;) {
      // The evaluation fails if the document goes away meanwhile.
      if (await pages[page].page.evaluate(code).catch(() => false)) return true;
      if (performance.now() > end) throw new Error(`${timeout} ms are over`);
      await setTimeout(10);
    }
  },

  fill: (_, { page, selector, text }) => pages[page].page.fill(selector, text),
  press: (_, { page, key }) => pages[page].page.keyboard.press(key),
  click: (_, { page, selector }) => pages[page].page.click(selector),
  screenshot: (_, { page, path }) => pages[page].page.screenshot({ path }).then(() => null),
  media: (_, { page, media }) => pages[page].page.emulateMedia(media),
  size: (_, { page, size }) => pages[page].page.setViewportSize(size),
  loads: (_, { page }) => pages[page].loads,
  states: (_, { page }) => pages[page].states,
  log: (_, { page }) => pages[page].log,
};

async function main(executablePath) {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  console.log(JSON.stringify({ result: browser.version() }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { command, ...rest } = JSON.parse(line);
    try {
      const result = (await commands[command](browser, rest)) ?? null;
      console.log(JSON.stringify({ result }));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error) }));
    }
  }
  await browser.close();
}

main(process.argv[2]);
