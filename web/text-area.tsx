import type { Html } from "#html/html.ts";

import type { FormProblems } from "./ui.tsx";

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
  const notes = [hint && `${name}-hint`, problem && `${name}-problem`].filter(Boolean).join(" ");
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
        aria-describedby={notes === "" ? undefined : notes}
        aria-invalid={problem ? true : undefined}
      >
        {value}
      </textarea>
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
    </div>
  );
}

/** What was typed into one: a form sends every line with a carriage return that nobody typed. */
export function typedText(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
