// A page of something that goes on is shown anew when it says so, without losing its place.
(() => {
  const source = document.querySelector("[data-follow]");
  if (source) {
    const events = new EventSource(source.dataset.follow);
    const step = document.querySelector("[data-step]");
    events.addEventListener("step", (event) => {
      if (step) step.textContent = JSON.parse(event.data);
    });
    events.addEventListener("end", () => {
      events.close();
      location.reload();
    });
  }
  // Parts that take long come later.
  for (const part of document.querySelectorAll("[data-part]")) void fill(part);

  async function fill(part) {
    try {
      const answer = await fetch(part.dataset.part, { headers: { accept: "text/html" } });
      if (!answer.ok) throw new Error(String(answer.status));
      part.innerHTML = await answer.text();
      part.removeAttribute("aria-busy");
    } catch {
      part.textContent = "This could not be read. Is `land ui` still running?";
    }
  }
})();
