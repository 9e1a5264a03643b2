/** A Worker in front of another server: rewrites its pages as they stream, and turns texts over that are sent to it. */
class LinkRewriter {
  constructor(attribute, from, to) {
    this.attribute = attribute;
    this.from = from;
    this.to = to;
  }
  element(element) {
    const value = element.getAttribute(this.attribute);
    if (value?.startsWith(this.from))
      element.setAttribute(this.attribute, value.replace(this.from, this.to));
  }
}

/** Text comes in pieces; what belongs together is kept until its last one. */
class Shouter {
  buffer = "";
  text(text) {
    this.buffer += text.text;
    if (text.lastInTextNode) {
      text.replace(this.buffer.toUpperCase());
      this.buffer = "";
    } else text.remove();
  }
}

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    if (url.pathname === "/upper") return upper(request);
    if (url.pathname === "/gzip") return gzip(request);
    if (url.pathname === "/count") return count(request);

    const target = new URL(url.pathname + url.search, env.ORIGIN);
    const modified = new Request(target, request);
    modified.headers.set("X-Forwarded-By", "rewriter");
    const response = await fetch(modified);
    if (!response.headers.get("content-type")?.includes("text/html")) return response;

    const transformed = new HTMLRewriter()
      .on("a[href]", new LinkRewriter("href", env.ORIGIN, url.origin))
      .on("img", new LinkRewriter("src", env.ORIGIN, url.origin))
      .on("h1", new Shouter())
      .on("script", { element: (element) => element.remove() })
      .onDocument({ end: (end) => end.append("<!-- rewritten -->", { html: true }) })
      .transform(response);
    const answer = new Response(transformed.body, transformed);
    answer.headers.delete("x-powered-by");
    answer.headers.set("x-rewritten", "yes");
    return answer;
  },
};

/** Answers while it is being asked: each piece goes back before the next one comes. */
function upper(request) {
  const { readable, writable } = new TransformStream({
    transform: (text, controller) => controller.enqueue(text.toUpperCase()),
  });
  request.body.pipeThrough(new TextDecoderStream()).pipeTo(writable);
  return new Response(readable.pipeThrough(new TextEncoderStream()), {
    headers: { "content-type": "text/plain; charset=utf-8" },
  });
}

function gzip(request) {
  return new Response(request.body.pipeThrough(new CompressionStream("gzip")), {
    headers: { "content-type": "application/gzip" },
  });
}

async function count(request) {
  const [one, two] = request.body.tee();
  let bytes = 0;
  for await (const chunk of one) bytes += chunk.byteLength;
  const digest = await crypto.subtle.digest("SHA-256", await new Response(two).arrayBuffer());
  const hex = [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("");
  return Response.json({ bytes, hex });
}
