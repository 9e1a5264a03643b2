import type { Html } from "#html/html.ts";
import { CLIENT_SETTINGS, type ClientKey, type ClientSetting } from "#remote/config/model.ts";
import { isClientKey, variableOfSetting } from "#remote/config/settings.ts";
import { renderSetting, type SettingValue } from "#remote/config/value.ts";
import { Badge } from "#web/ui.tsx";

import { isEditable } from "./editable.ts";
import { ActButton, Frame, type Page, Problem, Token, Warnings } from "./frame.tsx";
import type { Told } from "./model.ts";
import { listOf, textOf, type Value } from "./values.ts";

/** `/settings`: what `land config list` tells; some of it can be changed here. */
export function SettingsPage({ page, told }: { page: Page; told: Told }): Html {
  const settings = told.ok ? listOf(told.value, "settings") : [];
  const sections = Map.groupBy(settings, (item) => textOf(item, "key").split(".", 1)[0] ?? "");
  return (
    <Frame page={page} title="Settings">
      <div class="page-head">
        <h1>Settings</h1>
      </div>
      <p class="lead">
        What grants trust is set at a terminal, with <code>land config set</code>.
      </p>
      {told.ok ? <Warnings warnings={told.warnings} /> : <Problem problem={told.problem} />}
      {[...sections].map(([section, items]) => (
        <section class="part" aria-labelledby={section}>
          <h2 id={section}>{section}</h2>
          <ul class="packages settings">
            {items.map((item) => (
              <Setting page={page} item={item} />
            ))}
          </ul>
        </section>
      ))}
    </Frame>
  );
}

function Setting({ page, item }: { page: Page; item: Value }): Html | null {
  const key = textOf(item, "key");
  if (!isClientKey(key)) return null;
  const origin = textOf(item, "origin");
  const value = shown(key, item["value"]);
  const isFree = origin === "default" || origin === "user";
  return (
    <li>
      <div class="package-head">
        <strong class="mono">{key}</strong>
        <Origin name={key} origin={origin} />
      </div>
      <p class="package-facts">{textOf(item, "about")}</p>
      {isEditable(key) && isFree ? (
        <Form page={page} name={key} value={value} />
      ) : (
        <p class="value">{value === "" ? <span class="soft">none</span> : <code>{value}</code>}</p>
      )}
      {isEditable(key) && origin === "user" && (
        <ActButton
          page={page}
          fields={{ act: "unset", key }}
          kind="quiet"
          isSmall
          label={`Reset ${key}`}
        >
          {`Reset to ${shown(key, item["default"])}`}
        </ActButton>
      )}
    </li>
  );
}

function Origin({ name, origin }: { name: ClientKey; origin: string }): Html | null {
  if (origin === "user") return <Badge kind="good">set by you</Badge>;
  if (origin === "environment") return <Badge kind="warn">{variableOfSetting(name)}</Badge>;
  return origin === "project" ? <Badge kind="warn">land.json</Badge> : null;
}

function Form({ page, name, value }: { page: Page; name: ClientKey; value: string }): Html {
  const setting: ClientSetting = CLIENT_SETTINGS[name];
  const choices = setting.type === "boolean" ? ["true", "false"] : setting.oneOf;
  return (
    <form method="post" action="act" class="setting">
      <Token page={page} />
      <input type="hidden" name="act" value="set" />
      <input type="hidden" name="key" value={name} />
      {choices ? (
        <select name="value" aria-label={name}>
          {choices.map((choice) => (
            <option selected={choice === value}>{choice}</option>
          ))}
        </select>
      ) : (
        <input
          name="value"
          value={value}
          required
          maxlength={100}
          autocomplete="off"
          spellcheck="false"
          aria-label={name}
        />
      )}
      <button class="button quiet small">Set</button>
    </form>
  );
}

/** A value as `land config set` takes it. */
function shown(key: ClientKey, value: unknown): string {
  return isSettingValue(value) ? renderSetting(key, value) : "";
}

function isSettingValue(value: unknown): value is SettingValue {
  if (Array.isArray(value)) return value.every((item) => typeof item === "string");
  return ["string", "number", "boolean"].includes(typeof value);
}
