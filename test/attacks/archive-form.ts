import { gzipped, rawTar } from "#fixtures/tar.ts";

/** Contents by path. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

/** The form of `POST /api/deploy`. */
export function archiveForm(site: string, files: Files, fields: Files = {}): FormData {
  const form = new FormData();
  const entries = Object.entries(files).map(([name, content]) => ({ name, content }));
  form.set("file", new Blob([Uint8Array.from(gzipped(rawTar(entries)))]), "site.tgz");
  form.set("site_name", site);
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  return form;
}
