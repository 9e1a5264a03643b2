/**
 * The library that certificates are made with. It is large, so it is loaded when it is first needed; and it asks for metadata on
 * decorators while it loads. Two imports at the head of a file would not keep that order in the bundled program, two in a row do.
 */
export async function loadX509(): Promise<typeof import("@peculiar/x509")> {
  await import("reflect-metadata");
  return import("@peculiar/x509");
}
