// Drives the official client of the Model Context Protocol for the tests in Python. Starts `hpp-ctl mcp`,
// reads one command per line (JSON), and answers each with a line.
//   node mcp_client.cjs /path/to/hpp-ctl [ARGUMENTS…]
"use strict";

const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

// tools/install-deps installs the npm packages of all tests there.
const load = createRequire(path.join(__dirname, "../browser/package.json"));
const { Client } = load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = load("@modelcontextprotocol/sdk/client/stdio.js");
const { ResultSchema } = load("@modelcontextprotocol/sdk/types.js");

const [command, ...args] = process.argv.slice(2);
const transport = new StdioClientTransport({ command, args, env: process.env });
const client = new Client({ name: "hpp-test", version: "1.0.0" });
const errors = []; // messages of the server that the client cannot read
const calls = []; // { answer, controller }
let revision = null;

client.onerror = (error) => errors.push(String(error));
transport.setProtocolVersion = (version) => { revision = version; };

// The error instead of an exception, so that a test can look at it.
function settle(promise) {
  return promise.then((result) => ({ result }), (error) => ({ code: error.code, message: error.message }));
}

const commands = {
  about: () => ({ pid: transport.pid, revision, server: client.getServerVersion(),
    capabilities: client.getServerCapabilities(), instructions: client.getInstructions() }),
  errors: () => errors,
  list: () => client.listTools(),
  call: ({ name, args: given }) => settle(client.callTool({ name, arguments: given })),
  request: ({ method, params }) => settle(client.request({ method, params }, ResultSchema)),

  // A call that goes on while other commands are executed.
  begin({ name, args: given }) {
    const controller = new AbortController();
    const answer = settle(client.callTool({ name, arguments: given }, undefined, { signal: controller.signal }));
    return calls.push({ answer, controller }) - 1;
  },

  cancel({ call }) {
    calls[call].controller.abort("the test has cancelled it");
    return calls[call].answer;
  },

  finish: ({ call }) => calls[call].answer,
  close: () => client.close(),
};

async function main() {
  await client.connect(transport);
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { command: name, ...rest } = JSON.parse(line);
    console.log(JSON.stringify((await commands[name](rest)) ?? null));
  }
}

main();
