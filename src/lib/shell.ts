import { AppError } from '../core/errors.ts';
import { findIssues } from './shell/lint.ts';
import type { CommandIssue } from './shell/lint.ts';
import type { Report } from './shell/report.ts';
import { placeValue, scanCharacter, scanEnd } from './shell/scan.ts';
import { initialState } from './shell/state.ts';
import { createUses } from './shell/uses.ts';
import type { Uses } from './shell/uses.ts';
import { templateActions } from './template/analyse.ts';
import type { Template } from './template/ast.ts';
import { TemplateError } from './template/error.ts';
import { parseTemplate, renderTemplateParts } from './template/index.ts';
import type { RenderOptions, TemplatePart } from './template/index.ts';

export type { CommandIssue } from './shell/lint.ts';
export { isPowerful } from './shell/variables.ts';

/** A rendered command: `sh -c script` with these variables added to its environment. */
export interface RenderedCommand {
  readonly script: string;
  /** `FIST_1`, `FIST_2`, ...: the values, in the order of the script. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface CommandOptions extends RenderOptions {
  /** Other variables that the command will have. */
  readonly variables?: Readonly<Record<string, string>>;
}

/** A value larger than this fails the step; all of them together must leave room in the environment. */
export const maximumValueBytes = 32 * 1024;
const maximumEnvironmentBytes = 512 * 1024;
/** So that rendering is over in a moment, whatever a template goes through in a loop. */
const maximumValues = 2_000;
/** Linux takes no longer argument (MAX_ARG_STRLEN). Characters. */
const maximumScriptLength = 128 * 1024 - 1;

/**
 * Renders a command template so that its values cannot become shell syntax: the script has `"${FIST_1}"` where a value
 * stands, quoted for the place (plain, in double quotes, in single quotes), and the value is in the environment. A value is
 * always one word, or part of one, even where it is empty.
 *
 * Throws TemplateError where the template fails or lintCommand has an issue, and UnsafeArgument where a value is empty,
 * begins with `-` or `@`, leaves the path it is joined to, holds NUL, or is too large, and where a variable of `variables`
 * stands in a header or a URL that its value would be more than a part of.
 */
export function renderCommand(
  template: string | Template,
  data: unknown,
  options: CommandOptions = {},
): RenderedCommand {
  const parsed = typeof template === 'string' ? parseTemplate(template, options.name) : template;
  const parts = renderTemplateParts(parsed, data, options);
  const environment: Record<string, string> = {};
  if (parts.every((part) => part.kind === 'literal')) {
    return { script: parts.map((part) => part.text).join(''), environment };
  }
  const values = parts.flatMap((part) =>
    part.kind === 'value'
      ? [{ text: part.text, place: `line ${part.line}, column ${part.column}: {{ ${part.source} }}` }]
      : [],
  );
  checkSizes(values);
  checkNames(parsed, parts);
  const state = initialState();
  const uses = createUses();
  let script = '';
  let count = 0;
  for (const [index, part] of parts.entries()) {
    const report = throwing(parsed, parts, index, uses);
    const length = script.length + (part.kind === 'literal' ? part.text.length : 0);
    if (length > maximumScriptLength) throw unsafe(`the script has more than ${maximumScriptLength} characters`);
    if (part.kind === 'literal') {
      for (let at = 0; at < part.text.length; at += 1) scanCharacter(state, part.text.charAt(at), report);
      script += part.text;
    } else {
      count += 1;
      const variable = `FIST_${count}`;
      script += placeValue(state, part.text, variable, report);
      environment[variable] = part.text;
    }
  }
  const atEnd = throwing(parsed, parts, parts.length - 1, uses);
  scanEnd(state, atEnd);
  for (const { place, reason, isOfValue } of uses.problems(options.variables ?? {})) {
    if (isOfValue) atEnd.refuseValue(reason, place);
    else atEnd.refuse(reason, place);
  }
  return { script, environment };
}

/**
 * Everything that a command template may not have, in all branches, without any data: in a command with values only listed
 * programs with listed options run, and a value may stand only where one of them takes any text. Empty where there are no
 * values.
 */
export function lintCommand(template: string | Template): CommandIssue[] {
  const parsed = typeof template === 'string' ? parseTemplate(template) : template;
  const first = templateActions(parsed).find((action) => action.kind === 'print');
  return first === undefined ? [] : findIssues(parsed, first.source);
}

/** Throws UnsafeArgument where a value holds NUL or does not fit into an environment with the others. */
export function checkSizes(values: readonly { readonly text: string; readonly place: string }[]): void {
  let total = 0;
  if (values.length > maximumValues)
    throw unsafe(`it has ${values.length} values; at most ${maximumValues} are allowed`);
  for (const { text, place } of values) {
    const bytes = Buffer.byteLength(text, 'utf8');
    total += bytes;
    if (text.includes('\0')) throw unsafe(`${place}: the value holds a NUL character`);
    if (bytes > maximumValueBytes) {
      throw unsafe(`${place}: the value has ${bytes} bytes; at most ${maximumValueBytes} are allowed`);
    }
    if (total > maximumEnvironmentBytes) {
      throw unsafe(`${place}: the values of the command have more than ${maximumEnvironmentBytes} bytes together`);
    }
  }
}

/** Throws at the first thing that is wrong. */
function throwing(template: Template, parts: readonly TemplatePart[], index: number, uses: Uses): Report {
  const at = (place: number): TemplatePart | { line: number; column: number } => parts[place] ?? { line: 1, column: 1 };
  return {
    place: index,
    uses,
    refuse(reason, place = index) {
      const part = at(place);
      throw new TemplateError(template.name, part, 'execute', withSource(part, reason));
    },
    refuseValue(reason, place) {
      const part = at(place);
      throw unsafe(`line ${part.line}, column ${part.column}: ${withSource(part, reason)}`);
    },
  };
}

function withSource(part: TemplatePart | object, reason: string): string {
  return 'kind' in part && part.kind === 'value' ? `{{ ${part.source} }}: ${reason}` : reason;
}

function unsafe(message: string): AppError {
  return new AppError('UnsafeArgument', `Command, ${message}.`);
}

/** The script's own text must not use the names of the values. */
function checkNames(template: Template, parts: readonly TemplatePart[]): void {
  for (const part of parts) {
    if (part.kind === 'literal' && /FIST_[0-9]/.test(part.text)) {
      throw new TemplateError(template.name, part, 'execute', 'names FIST_1, FIST_2, ... are reserved');
    }
  }
}
