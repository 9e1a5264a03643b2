import type { Html } from "#html/html.ts";

import { describedBy, FieldNotes, type FormProblems } from "./ui.tsx";

type Props = {
  name: string;
  label: string;
  value?: string | undefined;
  hint?: string;
  rows?: number;
  problems?: FormProblems | undefined;
  required?: boolean;
};

/** A labelled field for several lines, of which none is corrected or guessed. */
export function TextArea({
  name,
  label,
  value = "",
  hint,
  rows = 6,
  problems,
  required,
}: Props): Html {
  const problem = problems?.fields?.[name];
  return (
    <div class={["field", problem && "wrong"]}>
      <label for={name}>{label}</label>
      <textarea
        id={name}
        name={name}
        rows={rows}
        required={required === true}
        spellcheck="false"
        autocomplete="off"
        aria-describedby={describedBy({ name, hint, problem })}
        aria-invalid={problem ? true : undefined}
      >
        {value}
      </textarea>
      <FieldNotes name={name} hint={hint} problem={problem} />
    </div>
  );
}

/** What was typed into one: a form sends every line with a carriage return that nobody typed. */
export function typedText(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
