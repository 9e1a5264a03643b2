/** Sends forms without leaving the page, and shows what the answer would have shown. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  const answer = await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams(new FormData(form)),
  }).catch(() => undefined);
  // Offline, or something unforeseen: the browser shows it as it would without this file.
  if (!answer?.headers.get("content-type")?.startsWith("text/html")) {
    form.submit();
    return;
  }
  const next = new DOMParser().parseFromString(await answer.text(), "text/html");
  document.title = next.title;
  document.querySelector("main").replaceWith(next.querySelector("main"));
  document.querySelector(".add input").focus();
});
