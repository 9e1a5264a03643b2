import { fail } from "#base/errors.ts";

/** What a unit is made from. */
export type Service = {
  /** Absolute. */
  program: string;
  /** Absolute. */
  data: string;
  /** An existing user; undefined: systemd makes one. */
  user: string | undefined;
  /** Flags of `land serve`; undefined ones are left out. */
  flags: Readonly<Record<string, string | undefined>>;
};

const STATE = "/var/lib/";

/**
 * The systemd unit of a server: a user of its own, its data folder as the one place it may write, and no privilege but to listen
 * on ports below 1024. What programs of sites are confined with stays allowed: Landlock, seccomp, memory that is written and run (no
 * MemoryDenyWriteExecute), and the service's own control groups (no ProtectControlGroups), where a program that is out of memory ends alone.
 *
 * @throws usage for a data folder that a user made by systemd cannot have, and for words that systemd would read otherwise
 * @see systemd.exec(5)
 */
export function renderUnit({ program, data, user, flags }: Service): string {
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  const words = [program, "serve", "--data", data, ...given].map(unitWord);
  return `[Unit]
Description=land
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=${words.join(" ")}
Restart=on-failure
RestartSec=1
TimeoutStopSec=15
LimitNOFILE=65536
Delegate=cpu memory pids
OOMPolicy=continue
${user === undefined ? ownUser(data) : `User=${unitWord(user)}\nReadWritePaths=${unitWord(data)}`}
UMask=0077

AmbientCapabilities=CAP_NET_BIND_SERVICE
CapabilityBoundingSet=CAP_NET_BIND_SERVICE
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=${user === undefined ? "yes" : "read-only"}
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=landlock_create_ruleset landlock_add_rule landlock_restrict_self seccomp
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

function ownUser(data: string): string {
  const name = data.startsWith(STATE) ? data.slice(STATE.length) : "";
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name))
    throw fail("usage", {
      problem: `Cannot keep the data in "${data}": a user that systemd makes owns folders right below ${STATE} only`,
      hint: "Leave --data out, or name an existing user with --user",
    });
  return `DynamicUser=yes\nStateDirectory=${name}\nStateDirectoryMode=0700`;
}

/** A word of a unit file as it is: systemd would expand `%` and `$` and split at blanks. */
function unitWord(word: string): string {
  if (/^[A-Za-z0-9@_.:/,+=-]+$/.test(word)) return word;
  throw fail("usage", {
    problem: `Cannot write "${word}" into a unit: use letters, digits and @ _ . : / , + = - only`,
  });
}
