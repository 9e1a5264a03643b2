import type { Html } from "#html/html.ts";

import { may, type SiteFrame, SiteLayout } from "./site-layout.tsx";
import { Bytes, countOf, Csrf, Field, formatCount, FormProblem, type FormProblems } from "./ui.tsx";

/** What this page is made from. */
export type SiteSettingsProps = SiteFrame & {
  problems?: FormProblems | undefined;
  keyProblems?: FormProblems | undefined;
  deleteProblems?: FormProblems | undefined;
};

const PROTECTIONS = [
  ["none", "Everybody"],
  ["password", "Who knows the password"],
  ["members", "Who has an account on this server"],
] as const;

/** `/sites/:site/settings`: who may look, maintenance, what it may use, and its removal. */
export function SiteSettingsPage(props: SiteSettingsProps): Html {
  const { frame, site } = props;
  return (
    <SiteLayout frame={frame} site={site} tab="settings">
      <section aria-labelledby="use">
        <h2 id="use">Use</h2>
        <dl class="pairs">
          <dt>Disk</dt>
          <dd>
            <Bytes value={site.usedBytes} /> of <Bytes value={site.quotaBytes} />{" "}
            <meter
              min={0}
              max={Math.max(site.quotaBytes, 1)}
              value={site.usedBytes}
              aria-label="Share of the disk in use"
            />
          </dd>
          <dt>Files in a deploy</dt>
          <dd>at most {countOf(site.quotaFiles, "file")}</dd>
          <dt>Requests</dt>
          <dd>
            {site.requestsPerMinute === 0
              ? "no limit"
              : `at most ${formatCount(site.requestsPerMinute)} per visitor and minute`}
          </dd>
        </dl>
      </section>
      {may(site, "owner") ? <OwnerParts {...props} /> : <p class="soft">Owners change settings.</p>}
    </SiteLayout>
  );
}

function OwnerParts(props: SiteSettingsProps): Html {
  const { frame, site, problems } = props;
  return (
    <>
      <form class="card" method="post" action={`/sites/${site.name}/settings`}>
        <h2>Who may look</h2>
        <FormProblem problems={problems} />
        <Csrf token={frame.csrf} />
        <fieldset>
          <legend class="unseen">Who may look</legend>
          {PROTECTIONS.map(([value, label]) => (
            <label class="choice">
              <input
                type="radio"
                name="protection"
                value={value}
                checked={site.protection === value}
              />
              <span>{label}</span>
            </label>
          ))}
        </fieldset>
        {/* Password managers keep a password for a name. */}
        <label hidden>
          Site <input name="site" value={new URL(site.url).host} autocomplete="username" readonly />
        </label>
        <Field
          name="password"
          label="New password"
          type="password"
          problems={problems}
          maxlength={1024}
          autocomplete="new-password"
          hint="Visitors who were let in by the old one are asked again."
        />
        <label class="choice">
          <input type="checkbox" name="maintenance" value="true" checked={site.maintenance} />
          <span>Maintenance: answer everybody with a page that says so</span>
        </label>
        <button class="button">Save</button>
      </form>
      <KeyPrograms {...props} />
      <Removal {...props} />
    </>
  );
}

function KeyPrograms({ frame, site, keyProblems }: SiteSettingsProps): Html {
  return (
    <form class="card" method="post" action={`/sites/${site.name}/settings/keys`}>
      <h2>Deploy keys and the program</h2>
      <FormProblem problems={keyProblems} />
      <Csrf token={frame.csrf} />
      <label class="choice">
        <input
          type="checkbox"
          name="keyPrograms"
          value="true"
          checked={site.keyPrograms}
          aria-describedby="keyPrograms-hint"
        />
        <span>Deploy keys may change the program</span>
      </label>
      <p class="hint" id="keyPrograms-hint">
        A program reads the secrets of the site, so a key that may only deploy changes files alone
        unless you allow it more.
      </p>
      <button class="button">Save</button>
    </form>
  );
}

function Removal({ frame, site, deleteProblems }: SiteSettingsProps): Html {
  return (
    <form class="card" method="post" action={`/sites/${site.name}/delete`}>
      <h2>Remove the site</h2>
      <p>
        Its deploys, domains and traffic go with it, at once and for good. The name is held for its
        owners for a while.
      </p>
      <FormProblem problems={deleteProblems} />
      <Csrf token={frame.csrf} />
      <Field
        name="confirm"
        label={`Type ${site.name} to confirm`}
        problems={deleteProblems}
        maxlength={50}
        autocomplete="off"
        required
      />
      <button class="button danger">Remove {site.name}</button>
    </form>
  );
}
