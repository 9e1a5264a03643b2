/**
 * Milliseconds of processor time that `work` took. Limits on it hold on a busy machine too, where those on the clock would
 * not; what else this process does meanwhile counts.
 */
export async function cpuMsOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
