import type { Door } from "./door.ts";
import type { UiOptions } from "./model.ts";
import type { Streams } from "./stream.ts";
import type { Tasks } from "./tasks.ts";

/** Everything that a request may need. */
export type House = {
  options: UiOptions;
  tasks: Tasks;
  streams: Streams;
  door: Door;
  port: number;
  /** Ends `land ui`. */
  end: () => void;
};
