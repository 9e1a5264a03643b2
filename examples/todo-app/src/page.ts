import type { Task } from "./tasks.ts";

/** What the page shows. */
export type PageProps = {
  tasks: readonly Task[];
  tidied: { at: number; count: number } | null;
  mayDropAll: boolean;
  problem: string | undefined;
};

/** The whole page. Everything that somebody wrote is escaped. */
export function page({ tasks, tidied, mayDropAll, problem }: PageProps): string {
  const open = tasks.filter(({ doneAt }) => doneAt === null).length;
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>To do (${open})</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
    <script type="module" src="/app.js"></script>
  </head>
  <body>
    <main>
      <h1>To do</h1>
      ${problem === undefined ? "" : `<p role="alert">${escape(problem)}</p>`}
      <form class="add" method="post" action="/add">
        <label><span class="sr-only">New task</span><input name="title" placeholder="New task" required maxlength="200" autocomplete="off"></label>
        <button>Add</button>
      </form>
      <ul>${tasks.map(item).join("")}</ul>
      <footer>
        <p role="status">${open === 1 ? "1 task is" : `${open} tasks are`} open${tidiedText(tidied)}.</p>
        ${mayDropAll ? DROP_ALL : ""}
      </footer>
    </main>
  </body>
</html>
`;
}

const DROP_ALL = `<form method="post" action="/drop-all">
          <label><span class="sr-only">Password</span><input type="password" name="password" placeholder="Password" required autocomplete="current-password"></label>
          <button>Remove all</button>
        </form>`;

function item({ id, title, doneAt }: Task): string {
  const [done, name] = [doneAt !== null, escape(title)];
  return `
        <li${done ? ' class="done"' : ""}>
          <span>${name}</span>
          ${button("/toggle", id, done ? "Reopen" : "Done", name)}
          ${button("/drop", id, "Remove", name)}
        </li>`;
}

function button(action: string, id: number, word: string, name: string): string {
  return `<form method="post" action="${action}"><input type="hidden" name="id" value="${id}"><button aria-label="${word}: ${name}">${word}</button></form>`;
}

function tidiedText(tidied: PageProps["tidied"]): string {
  if (tidied === null) return "";
  return `; ${tidied.count} were tidied away on ${new Date(tidied.at).toISOString().slice(0, 10)}`;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
