import type { DeployId, SiteName } from "#base/names.ts";
import type { Ctx } from "#store/ctx.ts";

/** The first segment of what the server itself answers on every site: no deploy has files there. */
export const OWN_FOLDER = ".land";

/** The domain below which sites stand. */
export function sitesDomain({ config }: Pick<Ctx, "config">): string {
  return config.sitesDomain || config.domain;
}

/** `https://blog.example.com`, with the scheme and port under which this server is reached. */
export function siteUrl(ctx: Ctx, site: SiteName): string {
  return addressUnder(ctx, `${site}.${sitesDomain(ctx)}`);
}

/** `https://abcdefghij--blog.example.com`: one deploy, for as long as it is kept. */
export function deployUrl(ctx: Ctx, site: SiteName, deploy: DeployId): string {
  return addressUnder(ctx, `${deploy}--${site}.${sitesDomain(ctx)}`);
}

/** The address of a custom domain. */
export function hostUrl(ctx: Ctx, host: string): string {
  return addressUnder(ctx, host);
}

function addressUnder(ctx: Ctx, host: string): string {
  const { protocol, port } = new URL(ctx.publicUrl());
  return `${protocol}//${host}${port === "" ? "" : `:${port}`}`;
}
