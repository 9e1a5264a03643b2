import type { Html } from "#html/html.ts";

import { type Frame, Layout } from "./layout.tsx";
import { Csrf, Field, FormProblem, type FormProblems } from "./ui.tsx";

/** What this page is made from. */
export type LoginProps = {
  frame: Frame;
  /** A path of this site to go to after. */
  next?: string | undefined;
  values?: { username: string };
  problems?: FormProblems | undefined;
};

/** `/login`. */
export function LoginPage({ frame, next, values, problems }: LoginProps): Html {
  return (
    <Layout frame={frame} title="Sign in" width="narrow" isPrivate>
      <div class="card">
        <h1>Sign in</h1>
        <FormProblem problems={problems} />
        <form method="post" action="/login">
          <Csrf token={frame.csrf} />
          {next && <input type="hidden" name="next" value={next} />}
          <Field
            name="username"
            label="User name or email"
            value={values?.username}
            problems={problems}
            autocomplete="username"
            maxlength={254}
            required
            autofocus
          />
          <Field
            name="password"
            label="Password"
            type="password"
            problems={problems}
            autocomplete="current-password"
            maxlength={1024}
            required
          />
          <button class="button wide">Sign in</button>
        </form>
      </div>
      <p class="after-card">
        No account yet? <a href="/register">Register</a>
      </p>
    </Layout>
  );
}
