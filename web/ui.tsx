import prettyBytes from "pretty-bytes";

import type { Child, Html } from "#html/html.ts";
import { CSRF_FIELD } from "#http/csrf.ts";

/** The hidden field that every form which changes something carries. */
export function Csrf({ token }: { token: string }): Html {
  return <input type="hidden" name={CSRF_FIELD} value={token} />;
}

/** What was wrong with a form that came back: a sentence for all of it, and one per field. */
export type FormProblems = { problem?: string; fields?: Readonly<Record<string, string>> };

type FieldProps = {
  name: string;
  label: string;
  type?: "text" | "email" | "password";
  value?: string | undefined;
  hint?: string;
  problems?: FormProblems | undefined;
  required?: boolean;
  autocomplete?: string;
  autofocus?: boolean;
  maxlength?: number;
  minlength?: number;
  pattern?: string;
};

/** A labelled text field that says what is wrong with it. */
export function Field(props: FieldProps): Html {
  const { name, label, hint, problems, type = "text" } = props;
  const problem = problems?.fields?.[name];
  return (
    <div class={["field", problem && "wrong"]}>
      <label for={name}>
        {label}
        {!props.required && <span class="soft"> (optional)</span>}
      </label>
      <input
        id={name}
        name={name}
        type={type}
        value={props.value}
        required={props.required === true}
        autofocus={props.autofocus === true}
        autocomplete={props.autocomplete}
        autocapitalize={type === "text" ? "none" : undefined}
        spellcheck="false"
        maxlength={props.maxlength}
        minlength={props.minlength}
        pattern={props.pattern}
        aria-describedby={describedBy({ name, hint, problem })}
        aria-invalid={problem ? true : undefined}
      />
      <FieldNotes name={name} hint={hint} problem={problem} />
    </div>
  );
}

/** What stands below a field: what it is for, and what was wrong with it. The field names both as `describedBy` tells. */
export function FieldNotes({ name, hint, problem }: Notes): Html {
  return (
    <>
      {hint && (
        <p class="hint" id={`${name}-hint`}>
          {hint}
        </p>
      )}
      {problem && (
        <p class="problem" id={`${name}-problem`}>
          {problem}
        </p>
      )}
    </>
  );
}

type Notes = { name: string; hint: string | undefined; problem: string | undefined };

/** The ids of a field's notes, for `aria-describedby`; undefined where it has none. */
export function describedBy({ name, hint, problem }: Notes): string | undefined {
  const ids = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean);
  return ids.length === 0 ? undefined : ids.join(" ");
}

/** The sentence above a form that could not be taken. */
export function FormProblem({ problems }: { problems: FormProblems | undefined }): Html | null {
  if (!problems?.problem) return null;
  return (
    <p class="flash problem" role="alert">
      {problems.problem}
    </p>
  );
}

/** A short mark beside a name. */
export function Badge(props: {
  kind?: "good" | "warn" | "bad";
  title?: string;
  children: Child;
}): Html {
  return (
    <span class={["badge", props.kind]} title={props.title}>
      {props.children}
    </span>
  );
}

/** One line to copy; the button shows only where scripts run. */
export function CodeLine({ code, label }: { code: string; label: string }): Html {
  return (
    <div class="code-line">
      <code tabindex={0}>{code}</code>
      <button type="button" class="copy" data-copy={code} aria-label={`Copy ${label}`} hidden>
        Copy
      </button>
    </div>
  );
}

/** What stands where a list has nothing to show, with the way out. */
export function Empty(props: { title: string; children?: Child }): Html {
  return (
    <div class="empty">
      <p class="empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A size for people: `1.2 kB`, with the exact bytes as title. */
export function Bytes({ value }: { value: number }): Html {
  return <span title={`${formatCount(value)} bytes`}>{prettyBytes(value)}</span>;
}

/** A size as limits are set: `256 MiB`, with the exact bytes as title. */
export function BinaryBytes({ value }: { value: number }): Html {
  return <span title={`${formatCount(value)} bytes`}>{prettyBytes(value, { binary: true })}</span>;
}

/** `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** `1 version`, `2 versions`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const UNITS = [
  ["year", 365 * 86_400],
  ["month", 30 * 86_400],
  ["week", 7 * 86_400],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** How long ago (or ahead) a moment is, with the exact UTC time as title. */
export function Ago({ at, now }: { at: string; now: Date }): Html {
  const seconds = (Date.parse(at) - now.getTime()) / 1000;
  const unit = UNITS.find(([, size]) => Math.abs(seconds) >= size);
  const text = unit ? relative.format(Math.trunc(seconds / unit[1]), unit[0]) : "just now";
  return (
    <time datetime={at} title={`${at.slice(0, 19).replace("T", " ")} UTC`}>
      {text}
    </time>
  );
}

/** Links to the first and the next page of a list that pages by cursor. */
export function Pagination(props: {
  first: string | undefined;
  next: string | undefined;
}): Html | null {
  if (!props.first && !props.next) return null;
  return (
    <nav class="pagination" aria-label="Pages">
      {props.first ? (
        <a class="button quiet" href={props.first}>
          ← First page
        </a>
      ) : (
        <span />
      )}
      {props.next && (
        <a class="button quiet" rel="next" href={props.next}>
          Next page →
        </a>
      )}
    </nav>
  );
}

type TableProps = {
  label: string;
  head: readonly string[];
  /** On a phone each row becomes a block, its cells labelled by their `data-label`; else the table scrolls sideways. */
  isStacked?: boolean;
  children: Child;
};

/** A table that fits itself to a narrow screen. */
export function Table(props: TableProps): Html {
  return (
    <div
      class={["table", props.isStacked && "stacked"]}
      role="region"
      aria-label={props.label}
      tabindex={0}
    >
      <table>
        <thead>
          <tr>
            {props.head.map((cell) => (
              <th scope="col">{cell}</th>
            ))}
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

/** Downloads per day as bars, oldest left. */
export function Sparkline({ days }: { days: readonly { day: string; count: number }[] }): Html {
  const most = Math.max(1, ...days.map((one) => one.count));
  const total = days.reduce((sum, one) => sum + one.count, 0);
  const label = `${countOf(total, "download")} in ${countOf(days.length, "day")}`;
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${Math.max(days.length, 1) * 4} 40`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {days.map(({ day, count }, index) => {
        const height = count === 0 ? 1 : Math.max(2, Math.round((count / most) * 40));
        return (
          <rect
            class={count === 0 && "none"}
            x={index * 4}
            y={40 - height}
            width={3}
            height={height}
          >
            <title>{`${day}: ${formatCount(count)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}

/** The page of a package, or of one version of it. */
export function packagePath(name: string, version?: string): string {
  const path = `/packages/${name.split("/").map(encodeURIComponent).join("/").replace("%40", "@")}`;
  return version === undefined ? path : `${path}/${encodeURIComponent(version)}`;
}
