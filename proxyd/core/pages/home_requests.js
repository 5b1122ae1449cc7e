// ---- requests -----------------------------------------------------------------------------------

const rows = new Map(); // the rows of the table, by the requests' numbers

function button(name, description, action) {
  const made = make("button", name);
  made.type = "button";
  made.title = description;
  made.addEventListener("click", () => action(made));
  return made;
}

function cell(name, kind = "n") {
  const made = make("td", "", kind);
  made.dataset.name = name;
  return made;
}

// A row stays the same element, so that the focus and a selection stay, too.
function newRow(request) {
  const row = make("tr");
  const what = cell("Request", "what");
  what.append(make("b", request.method), make("code", request.target));
  const path = `/__hpp/requests/${request.id}`;
  const label = `${request.method} ${request.target}`;
  const again = button("Send again", "Send the same request again", () => post(`${path}/send`));
  const repeat = button("Repeat", "Send the request again after each restart", async () => {
    const isOn = repeat.getAttribute("aria-pressed") === "true";
    if (await post(`${path}/${isOn ? "once" : "repeat"}`)) setPressed(repeat, !isOn);
  });
  const curl = button("Copy as curl", "Copy a command line for curl", async () => {
    copy((await ask(path)).curl, curl);
  });
  again.setAttribute("aria-label", `Send again: ${label}`);
  repeat.setAttribute("aria-label", `Repeat after each restart: ${label}`);
  curl.setAttribute("aria-label", `Copy as curl: ${label}`);
  const actions = cell("Actions", "do");
  actions.append(again, repeat, curl);
  row.cellsByName = {status: cell("Status"), held: cell("Held"), took: cell("Took"), start: cell("Start")};
  row.actions = {again, repeat, curl};
  row.append(what, ...Object.values(row.cellsByName), actions);
  return row;
}

function setPressed(button, isOn) {
  button.setAttribute("aria-pressed", isOn);
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function millis(ms) {
  return ms < 10 ? `${ms.toFixed(1)} ms` : span(Math.round(ms));
}

const endings = {open: "…", cut: "cut off", hpp: "hpp", completed: ""};

function update(row, request, isRepeated) {
  const {status, held, took, start} = row.cellsByName;
  const tone = request.status >= 500 || request.end === "cut" ? "bad" : request.status >= 400 ? "wait"
    : request.status ? "good" : "";
  setText(status, [request.status || "", endings[request.end]].filter(Boolean).join(" "));
  status.className = `n ${tone}`;
  setText(held, millis(request.held_ms));
  setText(took, millis(request.taken_ms));
  setText(start, request.generation ? `#${request.generation}` : "–");
  for (const action of Object.values(row.actions)) action.disabled = !request.can_be_sent;
  setPressed(row.actions.repeat, isRepeated);
}

function showRequests({keeps, requests, repeated}) {
  const isRepeated = new Set(repeated.map(({id}) => id));
  const known = new Set(requests.map(({id}) => id));
  const all = [...requests, ...repeated.filter(({id}) => !known.has(id))];
  at("requests").hidden = !all.length;
  at("har").hidden = !keeps;
  at("no-requests").hidden = all.length > 0;
  if (!keeps) at("no-requests").textContent = "hpp keeps no requests (--no-inspect).";
  const body = at("requests").tBodies[0];
  all.forEach((request, i) => {
    if (!rows.has(request.id)) rows.set(request.id, newRow(request));
    const row = rows.get(request.id);
    update(row, request, isRepeated.has(request.id));
    if (body.rows[i] !== row) body.insertBefore(row, body.rows[i] ?? null);
  });
  const ids = new Set(all.map(({id}) => id));
  for (const [id, row] of rows) {
    if (ids.has(id)) continue;
    row.remove();
    rows.delete(id);
  }
}
