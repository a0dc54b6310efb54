import { AppError } from '../core/errors.ts';
import { findIssues } from './shell/lint.ts';
import type { CommandIssue } from './shell/lint.ts';
import { scanCharacter, scanEnd } from './shell/scan.ts';
import { initialState } from './shell/state.ts';
import { placeValue } from './shell/value.ts';
import { templateActions } from './template/analyse.ts';
import type { Template } from './template/ast.ts';
import { TemplateError } from './template/error.ts';
import { parseTemplate, renderTemplateParts } from './template/index.ts';
import type { RenderOptions, TemplatePart, ValuePart } from './template/index.ts';

export type { CommandIssue } from './shell/lint.ts';

/** A rendered command: `sh -c script` with these variables added to its environment. */
export interface RenderedCommand {
  readonly script: string;
  /** `FIST_1`, `FIST_2`, ...: the values, in the order of the script. */
  readonly environment: Readonly<Record<string, string>>;
}

/** A value larger than this fails the step; all of them together must leave room in the environment. */
export const maximumValueBytes = 32 * 1024;
const maximumEnvironmentBytes = 512 * 1024;

/**
 * Renders a command template so that its values cannot become shell syntax: the script has `"${FIST_1}"` where a value
 * stands, quoted for the place (plain, in double quotes, in single quotes), and the value is in the environment. A value is
 * always one word, or part of one, even where it is empty.
 *
 * Throws TemplateError where the template fails or a value stands where it cannot be made safe (see lintCommand), and
 * UnsafeArgument where a value would be read as an option, holds NUL, or is too large.
 */
export function renderCommand(
  template: string | Template,
  data: unknown,
  options: RenderOptions = {},
): RenderedCommand {
  const parsed = typeof template === 'string' ? parseTemplate(template, options.name) : template;
  const parts = renderTemplateParts(parsed, data, options);
  const environment: Record<string, string> = {};
  if (parts.every((part) => part.kind === 'literal')) {
    return { script: parts.map((part) => part.text).join(''), environment };
  }
  checkSizes(parts);
  const state = initialState();
  let script = '';
  for (const part of parts) {
    const report = (reason: string, kind?: 'argument'): never => refuse(parsed, part, reason, kind);
    if (part.kind === 'literal') {
      for (const character of part.text.split('')) scanCharacter(state, character, report);
      script += part.text;
    } else {
      const variable = `FIST_${Object.keys(environment).length + 1}`;
      script += placeValue(state, part.text, variable, report);
      environment[variable] = part.text;
    }
  }
  const last = parts.at(-1);
  scanEnd(state, (reason) => refuse(parsed, last ?? { line: 1, column: 1 }, reason));
  checkNames(parsed, parts);
  return { script, environment };
}

/**
 * Every position in a command template that cannot be made safe, in all branches, without any data: values in here-documents,
 * back-ticks, comments, `$(( ))` and `${ }`, as the name of a command, as the file of a redirection, and in arguments that
 * another interpreter will run (`sh -c`, `eval`, `ssh`, `xargs`, `awk`, `psql -c`, ...). Empty where there are no values.
 */
export function lintCommand(template: string | Template): CommandIssue[] {
  const parsed = typeof template === 'string' ? parseTemplate(template) : template;
  const hasValues = templateActions(parsed).some((action) => action.kind === 'print');
  return hasValues ? findIssues(parsed) : [];
}

function refuse(
  template: Template,
  at: { readonly line: number; readonly column: number } | TemplatePart,
  reason: string,
  kind?: 'argument',
): never {
  const shown = 'kind' in at && at.kind === 'value' ? `{{ ${at.source} }}: ${reason}` : reason;
  if (kind !== 'argument') throw new TemplateError(template.name, at, 'execute', shown);
  throw unsafe(at, shown);
}

function unsafe(at: { readonly line: number; readonly column: number }, reason: string): AppError {
  return new AppError('UnsafeArgument', `Command, line ${at.line}, column ${at.column}: ${reason}.`);
}

function checkSizes(parts: readonly TemplatePart[]): void {
  const values = parts.filter((part): part is ValuePart => part.kind === 'value');
  let total = 0;
  for (const value of values) {
    const bytes = Buffer.byteLength(value.text, 'utf8');
    total += bytes;
    if (value.text.includes('\0')) throw unsafe(value, `{{ ${value.source} }}: the value holds a NUL character`);
    if (bytes > maximumValueBytes) {
      throw unsafe(
        value,
        `{{ ${value.source} }}: the value has ${bytes} bytes; at most ${maximumValueBytes} are allowed`,
      );
    }
    if (total > maximumEnvironmentBytes) {
      throw unsafe(value, `the values of the command have more than ${maximumEnvironmentBytes} bytes together`);
    }
  }
}

/** The script's own text must not use the names of the values. */
function checkNames(template: Template, parts: readonly TemplatePart[]): void {
  for (const part of parts) {
    if (part.kind === 'literal' && /FIST_[0-9]/.test(part.text))
      refuse(template, part, 'names FIST_1, FIST_2, ... are reserved');
  }
}
