import { isMap } from "./json.ts";
import type { Fields } from "./manifest-fields.ts";

/** `license`, or npm's old `{type}` and `licenses` list, as one expression. */
export function readLicense(fields: Fields): string | undefined {
  const license = fields.value("license");
  if (license !== undefined) return licenseText(fields, "license", license);
  const list = fields.value("licenses");
  if (!Array.isArray(list)) return undefined;
  const texts = list.map((item: unknown, at) => licenseText(fields, `licenses[${at}]`, item));
  return texts.length > 1 ? `(${texts.join(" OR ")})` : texts[0];
}

function licenseText(fields: Fields, field: string, license: unknown): string {
  return isMap(license)
    ? fields.asText(`${field}.type`, license["type"])
    : fields.asText(field, license);
}

/** `repository` as an address, from a text or npm's `{type, url, directory}`. */
export function readRepository(fields: Fields): string | undefined {
  const value = fields.value("repository");
  if (value === undefined) return undefined;
  const text = isMap(value)
    ? fields.asText("repository.url", value["url"])
    : fields.asText("repository", value);
  const [, host = "github", path] =
    /^(?:(github|gitlab|bitbucket):)?([\w.-]+\/[\w.-]+)$/.exec(text) ?? [];
  if (path !== undefined) return `https://${host}.${host === "bitbucket" ? "org" : "com"}/${path}`;
  return text.replace(/^git\+(?=https?:|ssh:)/, "");
}

/** `homepage`, only where it is a web address: others are refused in land.json and left out of what npm wrote. */
export function readHomepage(fields: Fields): string | undefined {
  const text = fields.text("homepage");
  if (text === undefined) return undefined;
  const protocol = URL.parse(text)?.protocol;
  if (protocol === "https:" || protocol === "http:") return text;
  if (fields.file === "package.json") return undefined;
  throw fields.refuse("homepage", "is not an http or https address");
}

/** `keywords` as a list, from npm's list or one text with commas or spaces. */
export function readKeywords(fields: Fields): string[] {
  const value = fields.value("keywords");
  if (typeof value !== "string") return fields.texts("keywords");
  return fields
    .asText("keywords", value)
    .split(/[\s,]+/)
    .filter(Boolean);
}

/** Everybody named in `authors`, `author`, `contributors` and `maintainers`, in this order, each once. */
export function readAuthors(fields: Fields): string[] {
  const people = ["authors", "author", "contributors", "maintainers"].flatMap((key) => {
    const value = fields.value(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return [personText(fields, key, value)];
    return value.map((item: unknown, at) => personText(fields, `${key}[${at}]`, item));
  });
  return [...new Set(people)].filter(Boolean);
}

function personText(fields: Fields, field: string, person: unknown): string {
  if (!isMap(person)) return fields.asText(field, person);
  const part = (key: string): string =>
    person[key] === undefined ? "" : fields.asText(`${field}.${key}`, person[key]);
  const [name, email, url] = [part("name"), part("email"), part("url")];
  return [name, email && `<${email}>`, url && `(${url})`].filter(Boolean).join(" ");
}
