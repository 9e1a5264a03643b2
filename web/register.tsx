import type { Html } from "#html/html.ts";

import { type Frame, Layout } from "./layout.tsx";
import { Csrf, Empty, Field, FormProblem, type FormProblems } from "./ui.tsx";

/** What this page is made from. */
export type RegisterProps = {
  frame: Frame;
  registration: "open" | "invite" | "closed";
  values?: { username: string; email: string; code: string };
  problems?: FormProblems | undefined;
};

/** `/register`. */
export function RegisterPage(props: RegisterProps): Html {
  return (
    <Layout frame={props.frame} title="Register" width="narrow" isPrivate>
      {props.registration === "closed" ? (
        <Empty title="Registration is closed">
          <p>This server takes no new accounts. Ask the operator if you need one.</p>
          <p>
            <a href="/login">Sign in</a> if you have one.
          </p>
        </Empty>
      ) : (
        <RegisterForm {...props} />
      )}
    </Layout>
  );
}

function RegisterForm(props: RegisterProps): Html {
  return (
    <>
      <div class="card">
        <h1>Make an account</h1>
        <FormProblem problems={props.problems} />
        <form method="post" action="/register">
          <Csrf token={props.frame.csrf} />
          <WhoFields {...props} />
          {props.registration === "invite" && (
            <Field
              name="code"
              label="Invitation code"
              hint="From an admin. The first account takes the code that land serve printed."
              value={props.values?.code}
              problems={props.problems}
              autocomplete="off"
              maxlength={128}
              required
            />
          )}
          <button class="button wide">Register</button>
        </form>
      </div>
      <p class="after-card">
        Already here? <a href="/login">Sign in</a>
      </p>
    </>
  );
}

function WhoFields({ values, problems }: RegisterProps): Html {
  return (
    <>
      <Field
        name="username"
        label="User name"
        hint="2 to 39 small letters, digits and single dashes. Your scope will be @ and this name."
        value={values?.username}
        problems={problems}
        autocomplete="username"
        minlength={2}
        maxlength={39}
        pattern="[a-z0-9](-?[a-z0-9])*"
        required
        autofocus
      />
      <Field
        name="email"
        label="Email"
        type="email"
        hint="Seen by you and the admins of this server only."
        value={values?.email}
        problems={problems}
        autocomplete="email"
        maxlength={254}
        required
      />
      <Field
        name="password"
        label="Password"
        type="password"
        hint="Long and used nowhere else. A password manager makes good ones."
        problems={problems}
        autocomplete="new-password"
        maxlength={1024}
        required
      />
    </>
  );
}
