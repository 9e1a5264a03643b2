/** Variables and bindings of a program. */
export type Env = {
  /** What `env` is now; after a change another object, so that a request keeps what it began with. */
  current: () => Readonly<Record<string, unknown>>;
  /** Other variables from now on. */
  set: (variables: Readonly<Record<string, string>>) => void;
};

/** Bindings win over variables of their names. Variables are also in `process.env`. */
export function createEnv(bindings: () => Readonly<Record<string, unknown>>): Env {
  let env: Readonly<Record<string, unknown>> = {};
  let names: string[] = [];
  return {
    current: () => env,
    set(variables) {
      for (const name of names) Reflect.deleteProperty(process.env, name);
      names = Object.keys(variables);
      for (const name of names) process.env[name] = variables[name];
      env = { ...variables, ...bindings() };
    },
  };
}
