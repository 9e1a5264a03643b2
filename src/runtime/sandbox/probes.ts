/** Runs every probe in this process. */
export async function runProbes(): Promise<void> {}
