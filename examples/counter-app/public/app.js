const output = document.querySelector("#count");
const form = document.querySelector("form");

/** Counts only up: an answer may come after the news of a later one. */
function show({ count }) {
  if (count > Number(output.textContent)) output.textContent = String(count);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const answer = await fetch(form.action, {
    method: "POST",
    headers: { accept: "application/json" },
  });
  if (answer.ok) show(await answer.json());
});

/** What others count is shown here, too. */
function listen() {
  const socket = new WebSocket(new URL("/ws", location.href));
  socket.addEventListener("message", ({ data }) => show(JSON.parse(data)));
  socket.addEventListener("close", () => setTimeout(listen, 2000));
}
listen();
