/**
 * `src/tls` is certificates: from files, from a development authority, from an ACME authority.
 * The server's https listener calls it. It must never let a name through that the database does not know.
 */

/** A certificate and its key. */
export type Certificate = {
  /** PEM, leaf first. */
  chain: string;
  /** PEM, PKCS#8. */
  key: string;
  /** Every name in it, such as `example.com` and `*.example.com`, in lower case. */
  names: readonly string[];
  notAfter: Date;
};

/** Where certificates come from. */
export type CertificateSource = {
  /**
   * The certificate for a server name (lower case, validated), or undefined where there is none for it. Answers at once for
   * names that are served; may take its time only for a name that it may obtain a certificate for on demand.
   */
  find: (serverName: string) => Promise<Certificate | undefined>;
  /** Ends timers and watchers. */
  stop: () => Promise<void>;
};

/** The source that asks an ACME authority (RFC 8555). */
export type AcmeSource = CertificateSource & {
  /**
   * The answer to a request below `/.well-known/acme-challenge/`, at whatever host; undefined: it is for somebody else. To be
   * asked over plain http before anything is redirected.
   */
  answerChallenge: (request: Request) => Promise<Response | undefined>;
  /** Gets the certificates of the server's own names that are missing. Never throws for one that cannot be had. */
  warm: () => Promise<void>;
  /** Renews what is due; to be run about hourly. Never throws for one that cannot be had. */
  renewDue: () => Promise<void>;
};

/** Whether one of `names` covers `host`: equal, or a wildcard for exactly its first label (RFC 6125 section 6.4.3). */
export function covers(names: readonly string[], host: string): boolean {
  const dot = host.indexOf(".");
  const wildcard = dot > 0 ? `*${host.slice(dot)}` : undefined;
  return names.some((name) => name === host || name === wildcard);
}
