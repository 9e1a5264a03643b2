// Comfort only: every page works without it.
// Copy buttons are hidden until this runs; `/` goes to the search field.

/** Puts the button's text on the clipboard, or selects it where the browser refuses. */
async function copy(button, label) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "Copied";
  } catch {
    getSelection()?.selectAllChildren(button.parentElement.querySelector("code"));
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = label;
  }, 1600);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", () => void copy(button, label));
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, [contenteditable]")) return;
  const field = document.querySelector("input[type=search]");
  if (!field) return;
  event.preventDefault();
  field.focus();
  field.select();
});

// ── a folder or an archive dropped on the page of a site ──────────────────

/** The files below what was dropped, with their paths; the one top folder is dropped by the server. */
async function* filesOf(entries, folder = "") {
  for (const entry of entries) {
    const path = `${folder}${entry.name}`;
    if (entry.isFile) {
      yield { path, file: await new Promise((done, failed) => entry.file(done, failed)) };
      continue;
    }
    const reader = entry.createReader();
    for (;;) {
      // A reader gives at most 100 entries at a time.
      const some = await new Promise((done, failed) => reader.readEntries(done, failed));
      if (some.length === 0) break;
      yield* filesOf(some, `${path}/`);
    }
  }
}

/** Sends a form and tells how far it is. Resolves with the status and what the answer says. */
function send(address, body, csrf, onProgress) {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.setRequestHeader("Accept", "application/json");
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded, event.total));
    request.addEventListener("loadend", () =>
      done({ ok: request.status >= 200 && request.status < 300, value: request.response }),
    );
    request.send(body);
  });
}

/** Deploys what lies in `files`: one archive as it is, else the files by their paths. */
async function deploy(box, files) {
  const state = box.querySelector("[data-drop-state]");
  const [only] = files;
  const isArchive = files.length === 1 && /\.(?:zip|tgz|tar\.gz)$/i.test(only.path);
  const body = new FormData();
  if (box.querySelector("[name=draft]")?.checked) body.append("draft", "true");
  if (isArchive) body.append("file", only.file, only.path);
  else for (const { path, file } of files) body.append("file", file, path);
  const address = `${box.dataset.drop}${isArchive ? "" : "/folder"}`;
  box.setAttribute("aria-busy", "true");
  const { ok, value } = await send(address, body, box.dataset.csrf, (sent, total) => {
    state.textContent =
      sent < total ? `Sending: ${Math.floor((sent / total) * 100)} %` : "Sent, being deployed…";
  });
  box.removeAttribute("aria-busy");
  if (ok) location.assign(`${location.pathname}?done=${value?.live ? "deployed" : "drafted"}`);
  else
    state.textContent = [
      value?.detail ?? "The upload failed: is the server reachable?",
      value?.hint,
    ]
      .filter(Boolean)
      .join(". ");
}

/** Reads what was dropped and deploys it. */
async function deployEntries(box, entries) {
  const state = box.querySelector("[data-drop-state]");
  try {
    state.textContent = "Reading…";
    const files = [];
    for await (const one of filesOf(entries)) {
      files.push(one);
      if (files.length % 500 === 0) state.textContent = `Reading: ${files.length} files`;
    }
    if (files.length === 0) state.textContent = "There are no files in that.";
    else await deploy(box, files);
  } catch (error) {
    state.textContent = `Cannot read what was dropped: ${error.message}`;
  }
}

for (const box of document.querySelectorAll("[data-drop]")) {
  box.querySelector("[data-drop-hint]").hidden = false;
  box.addEventListener("dragover", (event) => {
    event.preventDefault();
    box.classList.add("over");
  });
  box.addEventListener("dragleave", () => box.classList.remove("over"));
  box.addEventListener("drop", (event) => {
    event.preventDefault();
    box.classList.remove("over");
    // The list is empty once this handler has ended.
    const entries = [...event.dataTransfer.items]
      .map((item) => item.webkitGetAsEntry())
      .filter(Boolean);
    void deployEntries(box, entries);
  });
}

// ── the log of a site, as it grows ────────────────────────────────────────

/** The link to the lines of the same request, as the server writes it. */
function requestOf({ requestId }, list) {
  if (requestId === null) return [];
  const link = document.createElement("a");
  link.className = "request";
  link.href = `${list.dataset.request}${encodeURIComponent(requestId)}`;
  link.title = requestId;
  link.textContent = requestId.slice(0, 12);
  return [link, " "];
}

for (const list of document.querySelectorAll("[data-follow]")) {
  const source = new EventSource(`${list.dataset.follow}&after=${list.dataset.after}`);
  source.addEventListener("line", (event) => {
    const line = JSON.parse(event.data);
    const item = document.createElement("li");
    item.className = line.level;
    const time = document.createElement("time");
    time.dateTime = line.at;
    time.textContent = line.at.slice(0, 19).replace("T", " ");
    const kind = document.createElement("span");
    kind.className = "kind";
    kind.textContent = line.kind;
    const text = document.createElement("span");
    text.className = "text";
    text.textContent = line.message;
    item.append(time, " ", kind, " ", ...requestOf(line, list), text);
    list.prepend(item);
    while (list.children.length > 500) list.lastElementChild.remove();
  });
}
