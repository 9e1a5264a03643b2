/**
 * Starts a Worker whose module lies at `pathFromRoot` (`src/pack/second-opinion.ts`), from source and in a compiled
 * binary alike. The build must name the same file as an entrypoint. The Worker does not keep the process alive.
 *
 * In a binary the files live in an embedded file system, and `new URL(…, import.meta.url)` does not resolve there;
 * a path relative to the root of the entrypoints does. `smol`: it collects its garbage sooner.
 */
export function spawnWorker(pathFromRoot: string, options: { smol?: boolean } = {}): Worker {
  const embedded = /^(?:\/\$bunfs|[A-Za-z]:[\\/]~BUN)/.test(import.meta.path);
  const address = embedded
    ? `./${pathFromRoot}`
    : new URL(`../../${pathFromRoot}`, import.meta.url).href;
  const worker = new Worker(address, options);
  worker.unref();
  return worker;
}
