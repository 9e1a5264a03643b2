// Comfort: what goes on comes by itself, parts that take long come later, copying, and no form is sent twice.
(() => {
  begin(document);

  function begin(root) {
    const moving = root.querySelector("[data-follow]");
    if (moving) follow(moving);
    for (const part of root.querySelectorAll("[data-part]")) void fill(part);
    for (const button of root.querySelectorAll("[data-copy]")) offerCopy(button);
  }

  // A stream keeps one of the few connections of a browser: only a page that is looked at has one.
  function follow(section) {
    const step = section.querySelector("[data-step]");
    const bar = section.querySelector("progress");
    const list = section.querySelector("[data-items]");
    const address = new URL(section.dataset.follow, location.href);
    let events;
    let silent = 0;
    const open = () => {
      address.searchParams.set("from", String(list.children.length));
      events = new EventSource(address);
      events.addEventListener("step", (event) => {
        const { text, share } = JSON.parse(event.data);
        silent = 0;
        step.textContent = text;
        if (share === null) bar.removeAttribute("value");
        else bar.value = share;
      });
      events.addEventListener("item", (event) => {
        const line = document.createElement("li");
        line.textContent = JSON.parse(event.data);
        list.append(line);
      });
      events.addEventListener("end", () => {
        events.close();
        document.removeEventListener("visibilitychange", look);
        void showResult();
      });
      // It would begin again by itself, with items that are there already.
      events.addEventListener("error", () => {
        events.close();
        if (++silent > 5) step.textContent = "No answer comes. Is `land ui` still running?";
        setTimeout(() => section.isConnected && !document.hidden && open(), 1000);
      });
    };
    const look = () => {
      events?.close();
      if (!document.hidden) open();
    };
    document.addEventListener("visibilitychange", look);
    look();
  }

  async function showResult() {
    try {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const places = ["main", "header.top"].map((name) => [name, page.querySelector(name)]);
      if (!answer.ok || places.some(([, fresh]) => !fresh)) throw new Error(answer.statusText);
      const wasInside = document.querySelector("main").contains(document.activeElement);
      for (const [name, fresh] of places) document.querySelector(name).replaceWith(fresh);
      document.title = page.title;
      // Who stood on the button that is gone goes on from here.
      if (wasInside) document.querySelector("main").focus();
      begin(document);
    } catch {
      location.reload();
    }
  }

  async function fill(part) {
    part.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(part.dataset.part, { headers: { "x-land-part": "1" } });
      if (!answer.ok) throw new Error(String(answer.status));
      part.innerHTML = await answer.text();
    } catch {
      part.textContent = "This could not be read. Is `land ui` still running?";
    }
    part.removeAttribute("aria-busy");
  }

  function offerCopy(button) {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    });
  }

  const sent = new Set();
  document.addEventListener("submit", (event) => {
    if (sent.has(event.target)) event.preventDefault();
    sent.add(event.target);
  });
  addEventListener("pageshow", () => sent.clear());
})();
