// ---- output -------------------------------------------------------------------------------------

const LINES_MAX = 2000; // how many lines the page keeps
let newest = 0; // number of the last line on the page

function lineOf({html, stream, generation, at_ms}) {
  const line = make("div", "", stream);
  line.innerHTML = html; // hpp has escaped it
  line.title = `${new Date(at_ms).toLocaleTimeString()}, start #${generation}`;
  return line;
}

function search() {
  const words = at("search").value.toLowerCase();
  let found = 0;
  for (const line of at("output").children) {
    const isFound = line.textContent.toLowerCase().includes(words);
    line.hidden = !isFound;
    found += isFound;
  }
  setText(at("found"), words ? `${found} of ${at("output").children.length} lines` : "");
}

// Fetches the new lines. Scrolls to them if the last line was visible.
async function showLog() {
  const answer = await ask(`/__hpp/log?after=${newest}`);
  const output = at("output");
  if (answer.newest < newest) output.replaceChildren(); // hpp-proxyd has been restarted
  const isRestarted = answer.newest < newest;
  newest = isRestarted ? 0 : answer.newest;
  if (isRestarted) return showLog();
  if (!answer.lines.length) return;
  const isAtEnd = output.scrollTop + output.clientHeight >= output.scrollHeight - 4;
  output.append(...answer.lines.map(lineOf));
  while (output.children.length > LINES_MAX) output.firstChild.remove();
  search();
  if (isAtEnd) output.scrollTop = output.scrollHeight;
}

at("search").addEventListener("input", () => {
  search();
  at("output").scrollTop = at("output").scrollHeight;
});
