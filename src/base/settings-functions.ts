import { choice, setting } from "./setting.ts";

const MB = 1024 * 1024;

/** The settings of functions, by their key in land.toml. */
export const FUNCTION_SETTINGS = {
  functions: choice({
    default: "on",
    oneOf: ["on", "off"],
    about: "Whether programs of sites run.",
  }),
  "functions.sandbox": choice({
    default: "required",
    oneOf: ["required", "none"],
    about:
      "required: programs run only where the kernel can confine them (Linux with Landlock and seccomp); none: they run with all rights of the server, for development alone.",
  }),
  "functions.uidBase": setting<number>({
    default: 2_100_000_000,
    min: 1000,
    max: 4_294_000_000,
    about:
      "First of 200,000 user ids that programs run as where the server runs as root; no other program may have them.",
  }),
  "functions.pool": setting<number>({
    default: 2,
    max: 64,
    about: "Processes that wait, started, for a program to run.",
  }),
  "functions.processes": setting<number>({
    default: 100,
    min: 1,
    max: 10_000,
    about:
      "Most processes of programs; where they are all in use, the longest idle one makes room.",
  }),
  "functions.processesPerSite": setting<number>({
    default: 8,
    min: 2,
    max: 10_000,
    about:
      "The same of one site, whose live deploy and drafts have one each; where none of them is idle, what would need another is refused with 503.",
  }),
  "functions.idleSeconds": setting<number>({
    default: 60,
    min: 1,
    about: "Seconds after which a program without work is ended.",
  }),
  "functions.startSeconds": setting<number>({
    default: 10,
    min: 1,
    about: "Seconds in which a program must be loaded.",
  }),
  "functions.wallSeconds": setting<number>({
    default: 30,
    min: 1,
    max: 3600,
    about: "Seconds in which a program must begin to answer.",
  }),
  "functions.cpuMs": setting<number>({
    default: 1000,
    min: 10,
    about:
      "Milliseconds of processor time for which a module may block its event loop before it is killed.",
  }),
  "functions.scriptCpuMs": setting<number>({
    default: 100,
    min: 10,
    about: "The same for scripts.",
  }),
  "functions.cpuSecondsPerMinute": setting<number>({
    default: 10,
    min: 1,
    max: 600,
    about: "Seconds of processor time of a site's program per minute.",
  }),
  "functions.memoryBytes": setting<number>({
    default: 256 * MB,
    min: 64 * MB,
    about: "Memory of a program's process, in bytes.",
  }),
  "functions.concurrency": setting<number>({
    default: 50,
    min: 1,
    max: 10_000,
    about: "Requests that a program answers at a time.",
  }),
  "functions.queue": setting<number>({
    default: 50,
    max: 10_000,
    about: "Requests that wait for their turn; more are refused with 503.",
  }),
  "functions.bodyBytes": setting<number>({
    default: 100 * MB,
    min: 1024,
    about: "Largest body of a request to a program, in bytes.",
  }),
  "functions.programBytes": setting<number>({
    default: 10 * MB,
    min: 1024,
    about: "Largest program, in bytes; its source map may be three times that.",
  }),
  "functions.diskBytes": setting<number>({
    default: 256 * MB,
    min: MB,
    about: "Disk of a site's `env.DB`, in bytes.",
  }),
  "functions.kvBytes": setting<number>({
    default: 256 * MB,
    min: 1024,
    about: "Keys and values of a site's key-value store, in bytes.",
  }),
  "functions.kvValueBytes": setting<number>({
    default: 25 * MB,
    min: 1024,
    max: 512 * MB,
    about: "Largest value of a key, in bytes.",
  }),
  "functions.logLinesPerSecond": setting<number>({
    default: 100,
    min: 1,
    about: "Lines that a program may log per second; more are counted, not kept.",
  }),
  "functions.subrequests": setting<number>({
    default: 50,
    about: "`fetch`es that a program may make per request.",
  }),
  "functions.egressBytes": setting<number>({
    default: 100 * MB,
    min: 1024,
    about: "Largest answer that a program may fetch, in bytes.",
  }),
  "functions.egressSeconds": setting<number>({
    default: 30,
    min: 1,
    max: 3600,
    about: "Seconds in which an answer to a `fetch` of a program must begin.",
  }),
  "functions.egressPrivate": setting<readonly string[]>({
    default: [],
    about:
      "Addresses with ports, such as `10.0.0.5:8080`, that programs may reach although they are not public.",
  }),
  "functions.sockets": setting<number>({
    default: 10_000,
    about: "WebSockets of a site that may be open.",
  }),
  "functions.socketsPerAddress": setting<number>({
    default: 200,
    about: "The same of one visitor's address; 0: no limit.",
  }),
  "functions.socketMessageBytes": setting<number>({
    default: MB,
    min: 128,
    max: MB,
    about: "Largest message of a WebSocket, in bytes.",
  }),
  "functions.crons": setting<number>({
    default: 20,
    about: "Schedules that a program may have.",
  }),
  "functions.cronSeconds": setting<number>({
    default: 300,
    min: 1,
    max: 86_400,
    about: "Seconds that one run of a schedule may take.",
  }),
  "functions.cronRuns": setting<number>({
    default: 200,
    min: 1,
    about: "Runs of schedules that are kept of a site.",
  }),
  "functions.egressDays": setting<number>({
    default: 30,
    min: 1,
    about: "Days for which it is kept where programs talked to.",
  }),
  "functions.draftDays": setting<number>({
    default: 7,
    about: "Days for which the program of a draft runs.",
  }),
  "functions.env": setting<number>({
    default: 128,
    min: 1,
    about: "Variables and secrets of a site.",
  }),
};
