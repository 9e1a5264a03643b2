import type { Html } from "#html/html.ts";

import { type Frame, Layout } from "./layout.tsx";

/** What this page is made from. */
export type SiteEnterProps = { frame: Frame; address: string };

/**
 * `/sites/:site/enter`: leads on to the site at once. No redirect does: who signed in on the way comes here from a form, and
 * browsers hold what a form's answer redirects to against `form-action` as well, which names no site.
 *
 * @see https://github.com/w3c/webappsec-csp/issues/8
 */
export function SiteEnterPage({ frame, address }: SiteEnterProps): Html {
  const { host } = new URL(address);
  return (
    <Layout frame={frame} title={`Opening ${host}`} isPrivate width="narrow" leadsTo={address}>
      <h1>Opening {host}</h1>
      <p>
        <a class="button" href={address} rel="nofollow">
          Go on
        </a>
      </p>
    </Layout>
  );
}
