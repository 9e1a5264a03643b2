// Follows the folder that `land dev` serves: swaps stylesheets, else loads the page again.
(() => {
  if (globalThis.landReload) return;
  globalThis.landReload = true;
  /** What this page was made of. */
  let build = "LAND_BUILD";
  let source;

  function pathOf(link) {
    const url = new URL(link.href);
    if (url.origin !== location.origin) return undefined;
    try {
      return decodeURIComponent(url.pathname);
    } catch {
      return undefined;
    }
  }

  /** Loads changed stylesheets anew. False where one is not linked here: another may import it. */
  function swap(paths, id) {
    const links = [...document.querySelectorAll("link[rel~=stylesheet][href]")];
    const found = paths.map((path) => links.filter((link) => pathOf(link) === path));
    if (found.some((some) => some.length === 0)) return false;
    for (const link of found.flat()) {
      const next = link.cloneNode();
      const url = new URL(link.href);
      url.searchParams.set("land-dev", id);
      next.href = url.href;
      const done = () => link.remove();
      next.addEventListener("load", done);
      next.addEventListener("error", done);
      link.after(next);
    }
    return true;
  }

  function leave() {
    source?.close();
    source = undefined;
  }

  function follow() {
    if (source) return;
    source = new EventSource(new URL("/.land/reload", location.origin));
    source.addEventListener("build", ({ data }) => {
      const { id, from, css } = JSON.parse(data);
      if (id === build) return;
      if (css && from === build && swap(css, id)) {
        build = id;
        return;
      }
      leave();
      location.reload();
    });
    source.addEventListener("error", () => {
      if (source?.readyState !== EventSource.CLOSED) return;
      leave();
      setTimeout(look, 1000);
    });
  }

  /** Tabs that nobody sees hold no connection: a browser has six for a host. */
  function look() {
    if (document.visibilityState === "hidden") leave();
    else follow();
  }

  document.addEventListener("visibilitychange", look);
  addEventListener("pagehide", leave);
  addEventListener("pageshow", look);
  look();
})();
