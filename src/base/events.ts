/** Every event of the server: name → payload, plain data. Emitted after the act is on disk. */
export type Events = {
  "user.registered": { user: string };
  "version.published": { name: string; version: string; user: string };
  "version.yanked": { name: string; version: string; user: string };
  "version.unyanked": { name: string; version: string; user: string };
  /** The archive of a version was asked for, from its first byte on. */
  "version.downloaded": { name: string; version: string };
};
