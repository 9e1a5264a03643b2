import type { CertificateSource } from "./certificate.ts";

/** A source that answers from `first` where that has a certificate, else from `second`. It ends both. */
export function combineSources(
  first: CertificateSource,
  second: CertificateSource,
): CertificateSource {
  return {
    find: async (serverName) => (await first.find(serverName)) ?? second.find(serverName),
    stop: async () => void (await Promise.all([first.stop(), second.stop()])),
  };
}
