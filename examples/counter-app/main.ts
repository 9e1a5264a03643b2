// A script: it exports nothing and is run anew for each request that no file in public/ answers.
const wantsJson = req.headers["accept"]?.includes("application/json") ?? false;

if (req.path === "/" && req.method === "GET") {
  res.header("content-type", "text/html; charset=utf-8").send(page(db.get<number>("count") ?? 0));
} else if (req.path === "/count" && req.method === "GET") {
  res.json({ count: db.get<number>("count") ?? 0 });
} else if (req.path === "/count" && req.method === "POST") {
  // However many press at once, each gets a number of its own.
  const count = db.add("count", 1);
  socket.broadcast({ count });
  if (wantsJson) res.json({ count });
  else res.redirect("/", 303);
} else {
  res.status(404).send("Not found");
}

function page(count: number): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Counter</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
    <script type="module" src="/app.js"></script>
  </head>
  <body>
    <main>
      <h1>Counter</h1>
      <p><output id="count" aria-live="polite">${count}</output></p>
      <form method="post" action="/count"><button>Count</button></form>
    </main>
  </body>
</html>
`;
}
