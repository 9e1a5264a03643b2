/** What the server tells a process that is to confine itself, as JSON in its arguments. Nothing secret: `ps` shows it. */
export type LaunchPlan = {
  /** Pid of the server, to notice that it died before the process could ask to die with it. */
  parent: number;
  /** Whether there is a ring at descriptor 5. */
  ring: boolean;
  /** Absolute path of the site's folder. */
  writable: string | null;
  /** Whether that folder can only be read. */
  readOnly: boolean;
  /** Uid and gid to become, where the server runs as root. */
  uid: number | null;
  /** Largest file that it may write. */
  fileBytes: number;
  /** How `land __guest` is to run. */
  guest: GuestMode;
};

/**
 * `open`: unconfined, for development. `sealed`: closes the sandbox, then runs the guest. `probe`: closes it, then runs the probes
 * of `land doctor`. `bare`: runs the probes without a sandbox. `idle`: waits, for others to try to reach it.
 */
export type GuestMode = "open" | "sealed" | "probe" | "bare" | "idle";

/** Exit codes of a process that never ran a program. Its stderr says why. */
export const EXIT = {
  /** A step before the second start failed. */
  launch: 71,
  /** The last filter could not be added, or does not hold. */
  seal: 72,
} as const;
