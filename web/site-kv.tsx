import type { Html } from "#html/html.ts";
import type { KvPage, KvValue } from "#runtime/model.ts";

import { type SiteFrame, SiteLayout, sitePath } from "./site-layout.tsx";
import { TextArea } from "./text-area.tsx";
import {
  Ago,
  BinaryBytes,
  Bytes,
  Csrf,
  Empty,
  Field,
  FormProblem,
  type FormProblems,
  Pagination,
  Table,
} from "./ui.tsx";

/** A form of a key that came back. */
export type KvForm = { key: string; value: string; ttl: string; problems: FormProblems };
/** What the list is made from. */
export type SiteKvProps = SiteFrame & {
  page: KvPage;
  prefix: string;
  isLater: boolean;
  form?: KvForm | undefined;
};
/** What the page of one key is made from. `sizeBytes`: of the value. */
export type SiteKvKeyProps = SiteFrame & {
  entry: KvValue;
  sizeBytes: number;
  form?: KvForm | undefined;
};

/** A form carries no more, and shows no more well. */
const EDIT_BYTES = 16 * 1024;

/** The page of one key. */
export function kvKeyPath(site: string, key: string): string {
  return `${sitePath(site, "kv")}/entry?key=${encodeURIComponent(key)}`;
}

/** `/sites/:site/kv`: the keys of the site's store, and a form for another. */
export function SiteKvPage(props: SiteKvProps): Html {
  const { frame, site, page, prefix, isLater, form } = props;
  const path = sitePath(site.name, "kv");
  const query = prefix === "" ? "" : `prefix=${encodeURIComponent(prefix)}`;
  return (
    <SiteLayout frame={frame} site={site} tab="kv">
      <p class="soft">
        <BinaryBytes value={page.usedBytes} /> of <BinaryBytes value={page.quotaBytes} />{" "}
        <meter
          min={0}
          max={Math.max(page.quotaBytes, 1)}
          value={page.usedBytes}
          aria-label="Share of the store in use"
        />
      </p>
      <form class="card row" method="get" action={path}>
        <Field name="prefix" label="Keys that begin with" value={prefix} maxlength={512} />
        <button class="button quiet">Show</button>
      </form>
      {page.items.length === 0 ? (
        <Empty title={prefix === "" ? "No keys" : "No such keys"}>
          <p>
            Programs write them with <code>env.KV.put</code> or <code>db.set</code>.
          </p>
        </Empty>
      ) : (
        <KeyTable {...props} />
      )}
      <Pagination
        first={isLater ? `${path}${query && `?${query}`}` : undefined}
        next={
          page.next === null
            ? undefined
            : `${path}?cursor=${encodeURIComponent(page.next)}${query && `&${query}`}`
        }
      />
      <PutForm frame={frame} site={site} form={form} />
    </SiteLayout>
  );
}

function KeyTable({ frame, site, page }: SiteKvProps): Html {
  return (
    <Table label="Keys" head={["Key", "Size", "Expires", ""]} isStacked>
      {page.items.map((item) => (
        <tr>
          <th scope="row">
            <a href={kvKeyPath(site.name, item.key)}>
              <code>{item.key}</code>
            </a>
          </th>
          <td data-label="Size">
            <Bytes value={item.sizeBytes} />
          </td>
          <td data-label="Expires">
            {item.expiresAt === null ? "never" : <Ago at={item.expiresAt} now={frame.now} />}
          </td>
          <td>
            <DeleteForm frame={frame} site={site} name={item.key} />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function DeleteForm({ frame, site, name }: SiteFrame & { name: string }): Html {
  return (
    <form method="post" action={`${sitePath(site.name, "kv")}/delete`}>
      <Csrf token={frame.csrf} />
      <input type="hidden" name="key" value={name} />
      <button class="button small danger" aria-label={`Remove ${name}`}>
        Remove
      </button>
    </form>
  );
}

function PutForm({ frame, site, form }: SiteFrame & { form?: KvForm | undefined }): Html {
  return (
    <form class="card" method="post" action={sitePath(site.name, "kv")}>
      <h2>Write a key</h2>
      <FormProblem problems={form?.problems} />
      <Csrf token={frame.csrf} />
      <Field
        name="key"
        label="Key"
        value={form?.key}
        problems={form?.problems}
        maxlength={512}
        autocomplete="off"
        required
      />
      <TextArea name="value" label="Value" value={form?.value} problems={form?.problems} />
      <LifeField form={form} />
      <button class="button">Write</button>
    </form>
  );
}

function LifeField({ form, seconds }: { form?: KvForm | undefined; seconds?: string }): Html {
  return (
    <Field
      name="ttl"
      label="Seconds until it is gone"
      value={form?.ttl ?? seconds}
      problems={form?.problems}
      maxlength={10}
      pattern="[1-9][0-9]*"
      autocomplete="off"
      hint="Without it the key stays."
    />
  );
}

/** `/sites/:site/kv/entry?key=`: one key with its value, to look at and to change. */
export function SiteKvKeyPage({ frame, site, entry, sizeBytes, form }: SiteKvKeyProps): Html {
  const { key, expiresAt, metadata, versionstamp } = entry;
  return (
    <SiteLayout frame={frame} site={site} tab="kv" title={`${key} · ${site.name}`}>
      <p class="crumb">
        <a href={sitePath(site.name, "kv")}>Key-value store</a>
      </p>
      <h2>
        <code>{key}</code>
      </h2>
      <dl class="pairs">
        <dt>Size</dt>
        <dd>
          <Bytes value={sizeBytes} />{" "}
          <a href={`/api/v1/sites/${site.name}/kv/${encodeURIComponent(key)}`} download>
            Download
          </a>
        </dd>
        <dt>Expires</dt>
        <dd>{expiresAt === null ? "never" : <Ago at={expiresAt} now={frame.now} />}</dd>
        {metadata !== null && (
          <>
            <dt>Metadata</dt>
            <dd>
              <code>{JSON.stringify(metadata)}</code>
            </dd>
          </>
        )}
        <dt>Versionstamp</dt>
        <dd>
          <code>{versionstamp}</code>
        </dd>
      </dl>
      {isEditable(entry, sizeBytes) ? (
        <form class="card" method="post" action={sitePath(site.name, "kv")}>
          <FormProblem problems={form?.problems} />
          <Csrf token={frame.csrf} />
          <input type="hidden" name="key" value={key} />
          <input type="hidden" name="versionstamp" value={versionstamp} />
          <TextArea
            name="value"
            label="Value"
            value={form?.value ?? entry.value}
            problems={form?.problems}
            rows={12}
          />
          <LifeField form={form} seconds={secondsUntil(expiresAt, frame.now)} />
          <button class="button">Save</button>
        </form>
      ) : (
        <p class="soft">The value is no short text: download it to see it.</p>
      )}
      <DeleteForm frame={frame} site={site} name={key} />
    </SiteLayout>
  );
}

/** How long a key still stays, so that a form saved as it is changes nothing of that. */
function secondsUntil(expiresAt: string | null, now: Date): string {
  if (expiresAt === null) return "";
  return String(Math.max(1, Math.ceil((Date.parse(expiresAt) - now.getTime()) / 1000)));
}

/** Whether a form gives the value back as it is. */
function isEditable({ encoding, value }: KvValue, sizeBytes: number): boolean {
  return (
    encoding === "text" && sizeBytes <= EDIT_BYTES && !/[\u0000-\u0008\u000b-\u001f]/.test(value)
  );
}
