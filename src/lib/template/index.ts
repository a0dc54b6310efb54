import type { ActionNode, Template, TextNode } from './ast.ts';
import { positionAt } from './error.ts';
import type { Position } from './error.ts';
import { execute } from './execute.ts';
import type { Output } from './execute.ts';
import { functionNames } from './functions/index.ts';
import { parse } from './parser.ts';
import { checkCharacters, defaultLimits } from './runtime.ts';
import type { Runtime, TemplateLimits } from './runtime.ts';

/**
 * Go text/template, the language of Alertmanager and Helm users, with the functions of both. Extensions: a hyphen inside a
 * field chain (`.steps.get-logs.result`), `[n]` in front of a further field (`.alerts[0].labels`), `toJSON`. Own properties
 * only; no function reads files, the environment or the network. Errors are TemplateError (code TemplateInvalid).
 *
 * A cached template of a few actions renders in one to three microseconds.
 */
export interface RenderOptions {
  /** The clock of `now` and `since`; the real one where absent. */
  readonly now?: () => Date;
  readonly limits?: Partial<TemplateLimits>;
  /** Names the template in errors, where it is given as text. */
  readonly name?: string;
}

/** A piece of the output with its place in the template's source. */
export type TemplatePart = LiteralPart | ValuePart;

/** Text of the template itself, after trimming. */
export interface LiteralPart extends Position {
  readonly kind: 'literal';
  readonly text: string;
}

/** What one action printed: data, never text of the template (`{{ "x" }}` is a value too). */
export interface ValuePart extends Position {
  readonly kind: 'value';
  readonly text: string;
  /** The action's pipeline as it is written, `.alert.labels.pod | lower`. */
  readonly source: string;
}

const cache = new Map<string, Template>();
const maximumCached = 500;
const maximumCachedCharacters = 32 * 1024;

/** Parses a template, or takes it from the cache. Throws TemplateError with stage `parse`. */
export function parseTemplate(text: string, name = ''): Template {
  const key = `${name}\0${text}`;
  const known = cache.get(key);
  if (known !== undefined) {
    // Behind all others again: the cache drops what was used longest ago.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const template = parse(text, name, functionNames);
  if (text.length <= maximumCachedCharacters) {
    if (cache.size >= maximumCached) cache.delete(cache.keys().next().value ?? '');
    cache.set(key, template);
  }
  return template;
}

/** Renders a template with its data. Missing and null values print nothing. Throws TemplateError. */
export function renderTemplate(template: string | Template, data: unknown, options: RenderOptions = {}): string {
  let text = '';
  run(template, data, options, {
    literal: (literal) => {
      text += literal;
    },
    value: (value) => {
      text += value;
    },
  });
  return text;
}

/**
 * Renders into literal text and values, in output order, for a caller that must not mix the two: a shell command (each value
 * goes into the environment) or a prompt (values stand in a delimited block). Joined, the texts are what renderTemplate gives.
 */
export function renderTemplateParts(
  template: string | Template,
  data: unknown,
  options: RenderOptions = {},
): readonly TemplatePart[] {
  const parsed = typeof template === 'string' ? parseTemplate(template, options.name) : template;
  const parts: TemplatePart[] = [];
  const { source } = parsed;
  // A loop prints one node many times, and looking its place up goes through the source.
  const places = new Map<TextNode | ActionNode, Position>();
  const placeOf = (node: TextNode | ActionNode): Position => {
    const known = places.get(node);
    if (known !== undefined) return known;
    const place = positionAt(source, node.offset);
    places.set(node, place);
    return place;
  };
  run(parsed, data, options, {
    literal: (text: string, node: TextNode) => parts.push({ kind: 'literal', text, ...placeOf(node) }),
    value: (text: string, node: ActionNode) => {
      const written = source.slice(node.pipe.offset, node.pipe.end).trim();
      parts.push({ kind: 'value', text, source: written, ...placeOf(node) });
    },
  });
  return parts;
}

function run(template: string | Template, data: unknown, options: RenderOptions, output: Output): void {
  const parsed = typeof template === 'string' ? parseTemplate(template, options.name) : template;
  const limits = options.limits === undefined ? defaultLimits : { ...defaultLimits, ...options.limits };
  const runtime: Runtime = {
    now: options.now ?? currentTime,
    limits,
    stepsLeft: limits.steps,
    iterationsLeft: limits.iterations,
    regexMsLeft: limits.regexMs,
  };
  let characters = 0;
  const count = (text: string): void => {
    characters += text.length;
    checkCharacters(runtime, characters);
  };
  execute(parsed, data, runtime, {
    literal: (text, node) => {
      count(text);
      output.literal(text, node);
    },
    value: (text, node) => {
      count(text);
      output.value(text, node);
    },
  });
}

function currentTime(): Date {
  return new Date();
}
