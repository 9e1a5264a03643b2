/** Every event of the server: name → payload, plain data. Emitted after the act is on disk. */
export type Events = {
  "user.registered": { user: string };
  "version.published": { name: string; version: string; user: string };
  "version.yanked": { name: string; version: string; user: string };
  "version.unyanked": { name: string; version: string; user: string };
  /** The archive of a version was asked for, from its first byte on. */
  "version.downloaded": { name: string; version: string };
  "site.created": { site: string; user: string };
  /** What visitors get changed: another deploy is live, or settings, or domains. Whoever caches a site forgets it. */
  "site.changed": { site: string };
  /** Who may look at a site changed: who came in before may not be welcome any more. */
  "site.gated": { site: string; id: number };
  /** Variables or secrets of a site changed. */
  "site.env": { site: string };
  /** Settings that concern the program alone changed: what it may reach, its quotas. */
  "site.functions": { site: string };
  "site.deleted": { site: string; id: number; user: string };
  /** A deploy became whole; `live` tells whether it is what visitors get now. */
  "deploy.finished": { site: string; deploy: string; user: string; live: boolean };
  /** Another deploy is what visitors get: by a deploy or by a rollback. */
  "deploy.released": { site: string; deploy: string; user: string; rollback: boolean };
  "domain.verified": { site: string; host: string };
  /** A host leads to no site any more: it was removed, or its proof is gone. */
  "domain.removed": { site: string; host: string };
};
