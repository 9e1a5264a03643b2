const MIN_LENGTH = 8;

/**
 * Whether a file's name holds a hash of its content, so that other content will have another name: 8 or more of
 * `[A-Za-z0-9_-]` with a letter and a digit right before the extension. After a dot (`app.abcdefg1.js`) that is enough; after
 * a hyphen or as the whole name (`index-D4kq9xZ2.js`) it must also look drawn by lot, since `datepicker-bootstrap5.js` and
 * `2024-summer-report.pdf` are names. Pages never are.
 */
export function isFingerprinted(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  if (dot <= 0 || /^\.(?:html?|xhtml)$/i.test(name.slice(dot))) return false;
  const stem = name.slice(0, dot);
  const inner = stem.lastIndexOf(".");
  const part = stem.slice(inner + 1);
  if (inner > 0 && isLongEnough(part) && !part.includes("-")) return true;
  return candidatesOf(part).some((token) => isLongEnough(token) && looksDrawn(token));
}

/** What follows the last hyphen, the last underscore, and 8 characters after a hyphen, which may hold either. */
function candidatesOf(part: string): string[] {
  const tokens = [part.slice(part.lastIndexOf("-") + 1)];
  if (part.includes("_")) tokens.push(part.slice(part.lastIndexOf("_") + 1));
  if (part.at(-MIN_LENGTH - 1) === "-") tokens.push(part.slice(-MIN_LENGTH));
  return tokens;
}

function isLongEnough(token: string): boolean {
  return (
    token.length >= MIN_LENGTH &&
    /^[\w-]+$/.test(token) &&
    /[A-Za-z]/.test(token) &&
    /\d/.test(token)
  );
}

/** Hexadecimal, base32, or changing between lower case, upper case and digits more often than words do. */
function looksDrawn(token: string): boolean {
  if (/^(?:[0-9a-f]+|[0-9A-F]+|[A-Z2-7]{8})$/.test(token)) return true;
  let changes = 0;
  for (let at = 1; at < token.length; at += 1)
    if (kindOf(token[at]) !== kindOf(token[at - 1])) changes += 1;
  return changes >= 3;
}

function kindOf(char = ""): string {
  if (/\d/.test(char)) return "digit";
  if (/[a-z]/.test(char)) return "lower";
  return /[A-Z]/.test(char) ? "upper" : "other";
}
