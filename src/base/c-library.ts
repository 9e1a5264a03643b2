import { dlopen, type FFIFunction, type Library } from "bun:ffi";

/**
 * These functions of the C library, under the name that it has here: macOS, glibc, musl. Throws where it is not found, or has
 * not all of them.
 */
export function openCLibrary<const S extends Record<string, FFIFunction>>(
  symbols: S,
): Library<S>["symbols"] {
  const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
  const names =
    process.platform === "darwin"
      ? ["libSystem.B.dylib"]
      : ["libc.so.6", `libc.musl-${machine}.so.1`, `ld-musl-${machine}.so.1`];
  let last: unknown;
  for (const name of names)
    try {
      return dlopen(name, symbols).symbols;
    } catch (error) {
      last = error;
    }
  throw new Error("no C library found", { cause: last });
}
