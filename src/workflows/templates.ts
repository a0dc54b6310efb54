import type { JsonObject } from '../core/json.ts';
import type { Timestamp } from '../core/time.ts';

/** Templates as the engine uses them. All throw TemplateInvalid. */
export interface Templates {
  render(template: string, data: JsonObject, now: Timestamp): string;
  /** Values show as `[value 1]` in the text. */
  renderApart(
    template: string,
    data: JsonObject,
    now: Timestamp,
  ): { readonly text: string; readonly values: readonly string[] };
  /** Text for `/bin/sh -c`, with its values and the rendered variables in the environment. Throws UnsafeArgument too. */
  renderCommand(
    template: string,
    variables: Readonly<Record<string, string>>,
    data: JsonObject,
    now: Timestamp,
  ): { readonly script: string; readonly environment: Readonly<Record<string, string>> };
  evaluate(condition: string, data: JsonObject, now: Timestamp): boolean;
}
