import { natives } from "../natives.ts";

/** Arguments of `console.log` as one text: texts as they are, other values as `Bun.inspect` shows them, `%s` and its like filled in. */
export function formatArguments(values: readonly unknown[]): string {
  const [first] = values;
  if (typeof first !== "string" || values.length === 1 || !first.includes("%"))
    return values.map(show).join(" ");
  let next = 1;
  const filled = first.replace(/%[sdifjoOc%]/g, (sign) => {
    if (sign === "%%") return "%";
    if (next >= values.length) return sign;
    const value = values[next];
    next += 1;
    return fill(sign, value);
  });
  return [filled, ...values.slice(next).map(show)].join(" ");
}

/** A text with at most that many bytes of UTF-8; what is cut off is counted. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return text;
  const note = `… (${bytes.length} bytes)`;
  const kept = Math.max(0, maxBytes - Buffer.byteLength(note));
  return (
    bytes
      .subarray(0, kept)
      .toString("utf8")
      .replace(/\uFFFD$/, "") + note
  );
}

function show(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return natives.inspect(value, { colors: false });
  } catch {
    return "[cannot be shown]"; // its getters throw
  }
}

function fill(sign: string, value: unknown): string {
  if (sign === "%c") return "";
  if (sign === "%j") return toJson(value);
  if (sign === "%d") return typeof value === "bigint" ? `${value}` : String(Number(value));
  if (sign === "%i") return String(Math.trunc(Number(value)));
  if (sign === "%f") return String(Number(value));
  return show(value);
}

function toJson(value: unknown): string {
  try {
    return natives.stringify(value) ?? "undefined";
  } catch {
    return "[cannot be shown]";
  }
}
