import { type Child, type Html, raw } from "#html/html.ts";

import { logoAsset, scriptAsset, styleAsset } from "./assets.ts";
import { Csrf } from "./ui.tsx";

/** What every page knows about the request it answers. */
export type Frame = {
  /** The account signed in by the session, if any. */
  user: { name: string; admin: boolean } | undefined;
  /** Bound to the session (or to the visitor's cookie before one exists). */
  csrf: string;
  /** The address of this server without a trailing slash, as users reach it. */
  publicUrl: string;
  now: Date;
  /** Shown once above the page. */
  flash?: { kind: "done" | "problem"; text: string } | undefined;
  /** What stands in the search field. */
  query?: string | undefined;
};

type LayoutProps = {
  frame: Frame;
  title: string;
  description?: string | undefined;
  /** Path of the one address under which search engines should know this page. */
  canonical?: string | undefined;
  /** Pages of one account or one moment stay out of search engines. */
  isPrivate?: boolean;
  /** An address that the browser goes on to at once. */
  leadsTo?: string;
  /** `narrow` for forms and messages. */
  width?: "narrow";
  children: Child;
};

/** A whole document around a page's content. */
export function Layout(props: LayoutProps): Html {
  const { frame, title, description, canonical } = props;
  return (
    <>
      {raw("<!doctype html>\n")}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <title>{title === "land" ? "land: packages and sites" : `${title} · land`}</title>
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          {description && <meta name="description" content={description} />}
          {props.isPrivate && <meta name="robots" content="noindex" />}
          {props.leadsTo && <meta http-equiv="refresh" content={`0; url=${props.leadsTo}`} />}
          {canonical && <link rel="canonical" href={`${frame.publicUrl}${canonical}`} />}
          <link rel="icon" href={logoAsset.url} type="image/svg+xml" />
          <link rel="stylesheet" href={styleAsset.url} />
          <script src={scriptAsset.url} defer />
        </head>
        <body>
          <a class="skip" href="#main">
            Skip to content
          </a>
          <Header frame={frame} />
          <main id="main" tabindex={-1} class={["page", props.width]}>
            {frame.flash && (
              <p class={["flash", frame.flash.kind]} role="status">
                {frame.flash.text}
              </p>
            )}
            {props.children}
          </main>
          <Footer />
        </body>
      </html>
    </>
  );
}

function Header({ frame }: { frame: Frame }): Html {
  return (
    <header class="top">
      <div class="bar">
        <a class="brand" href="/">
          <img src={logoAsset.url} alt="" width={28} height={28} />
          <span>land</span>
        </a>
        <form class="search" action="/packages" method="get" role="search">
          <label class="unseen" for="q">
            Search packages
          </label>
          <input
            id="q"
            name="q"
            type="search"
            placeholder="Search packages"
            value={frame.query}
            maxlength={256}
            autocomplete="off"
            autocapitalize="none"
            spellcheck="false"
          />
          <kbd aria-hidden={true}>/</kbd>
        </form>
        <nav class="links" aria-label="Main">
          <a href="/packages">Packages</a>
          {frame.user ? <Account frame={frame} name={frame.user.name} /> : <Visitor />}
        </nav>
      </div>
    </header>
  );
}

function Visitor(): Html {
  return (
    <>
      <a href="/login">Sign in</a>
      <a class="button small" href="/register">
        Register
      </a>
    </>
  );
}

function Account({ frame, name }: { frame: Frame; name: string }): Html {
  return (
    <>
      <a href="/sites">Sites</a>
      <a href="/dashboard">Dashboard</a>
      <a href="/settings" title={`Signed in as ${name}`}>
        Settings
      </a>
      <form action="/logout" method="post" class="inline">
        <Csrf token={frame.csrf} />
        <button class="link">Sign out</button>
      </form>
    </>
  );
}

function Footer(): Html {
  return (
    <footer class="bottom">
      <div class="bar">
        <span>land, packages and sites</span>
        <nav aria-label="Footer">
          <a href="/packages">Packages</a>
          <a href="/docs/api">API</a>
          <a href="/errors">Errors</a>
          <a href="/health">Health</a>
        </nav>
      </div>
    </footer>
  );
}
