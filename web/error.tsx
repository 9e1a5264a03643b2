import { catalogue } from "#base/catalogue.ts";
import { type Code, isCode, type LandError } from "#base/errors.ts";
import type { Html } from "#html/html.ts";

import { type Frame, Layout } from "./layout.tsx";
import { Table } from "./ui.tsx";

/** Any failure as a page: what happened, what to do, and the id to quote. */
export function ErrorPage(props: { frame: Frame; error: LandError; requestId: string }): Html {
  const { frame, error, requestId } = props;
  return (
    <Layout frame={frame} title={error.title} width="narrow" isPrivate>
      <article class="failure">
        <p class="status">{error.status}</p>
        <h1>{error.title}</h1>
        <p class="lead">{error.message}</p>
        {error.hint && <p class="hint-line">{withCode(error.hint)}</p>}
        <p class="buttons">
          <a class="button quiet" href="/">
            Go to the start page
          </a>
          {error.status === 401 && (
            <a class="button" href="/login">
              Sign in
            </a>
          )}
        </p>
        <p class="soft small">
          <a href={`/errors/${error.code}`}>
            <code>{error.code}</code>
          </a>
          {" · request "}
          <code>{requestId}</code>
        </p>
      </article>
    </Layout>
  );
}

/** `/errors`: every code of the API with its status and title. */
export function ErrorsPage({ frame }: { frame: Frame }): Html {
  return (
    <Layout frame={frame} title="Errors" canonical="/errors">
      <h1>Errors</h1>
      <p class="lead">
        Every failure of the API and of the <code>land</code> program has one code that never
        changes.
      </p>
      <Table label="Errors" head={["Code", "Status", "Title"]}>
        {Object.entries(catalogue).map(([code, entry]) => (
          <tr>
            <th scope="row">
              <a href={`/errors/${code}`}>
                <code>{code}</code>
              </a>
            </th>
            <td>{entry.status}</td>
            <td>{entry.title}</td>
          </tr>
        ))}
      </Table>
    </Layout>
  );
}

/** `/errors/:code`, the address that `type` of a problem names. */
export function ErrorCodePage({ frame, code }: { frame: Frame; code: Code }): Html {
  const entry = catalogue[code];
  const exit = "exit" in entry && entry.exit !== undefined ? entry.exit : undefined;
  return (
    <Layout frame={frame} title={`Error ${code}`} canonical={`/errors/${code}`}>
      <h1>
        <code>{code}</code>
      </h1>
      <p class="lead">{entry.title}</p>
      <dl class="pairs">
        <dt>HTTP status</dt>
        <dd>{entry.status}</dd>
        <dt>Exit code of the program</dt>
        <dd>{exit ?? (entry.status === 401 || entry.status === 403 ? 15 : 1)}</dd>
        <dt>In a problem document</dt>
        <dd>
          <code>{`"code": "${code}"`}</code>
        </dd>
      </dl>
      <p>
        <a href="/errors">All errors</a>
      </p>
    </Layout>
  );
}

/** The code that an address names, or undefined. */
export function findCode(text: string): Code | undefined {
  return isCode(text) ? text : undefined;
}

/** Words between backticks as code. */
function withCode(text: string): (string | Html)[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? <code>{part}</code> : part));
}
