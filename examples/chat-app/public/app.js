const [list, state, form] = ["#messages", "#state", "form"].map((one) =>
  document.querySelector(one),
);
const { name, text } = form.elements;
name.value = localStorage.getItem("name") ?? "";

let socket;
let waitMs = 500;

function connect() {
  socket = new WebSocket(new URL("/ws", location.href));
  socket.addEventListener("open", () => {
    waitMs = 500;
    // What is kept comes whole with every connection.
    list.replaceChildren();
  });
  socket.addEventListener("message", ({ data }) => take(JSON.parse(data)));
  socket.addEventListener("close", () => {
    state.textContent = "The connection is lost, trying again …";
    setTimeout(connect, waitMs);
    waitMs = Math.min(waitMs * 2, 10_000);
  });
}

function take({ messages = [], people, problem }) {
  for (const message of messages) list.append(lineOf(message));
  if (messages.length > 0) list.scrollTop = list.scrollHeight;
  if (people !== undefined)
    state.textContent = people === 1 ? "You are alone here" : `${people} people are here`;
  if (problem !== undefined) state.textContent = problem;
}

/** What people write is text and nothing else. */
function lineOf({ name: who, text: what, at }) {
  const [line, author, time] = ["li", "b", "time"].map((tag) => document.createElement(tag));
  author.textContent = who;
  time.dateTime = new Date(at).toISOString();
  line.title = new Date(at).toLocaleString();
  line.append(author, what, time);
  return line;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) return;
  localStorage.setItem("name", name.value);
  socket.send(JSON.stringify({ name: name.value, text: text.value }));
  text.value = "";
  text.focus();
});

connect();
