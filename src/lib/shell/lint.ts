import type { ActionNode, ControlNode, Template, TemplateNode, TextNode } from '../template/ast.ts';
import { positionAt } from '../template/error.ts';
import type { Position } from '../template/error.ts';
import type { Report } from './report.ts';
import { placeValue, scanCharacter, scanEnd } from './scan.ts';
import { initialState } from './state.ts';
import { createUses } from './uses.ts';
import type { Uses } from './uses.ts';
import type { State } from './state.ts';
import { isPowerful } from './variables.ts';

/** Something that a command template may not have. */
export interface CommandIssue extends Position {
  readonly message: string;
  /** The rewrite that is always allowed. */
  readonly next: string;
}

/** Scanner states that are followed side by side: one for each way through the branches that still matters. */
const maximumStates = 64;
const maximumCalls = 20;

interface Walk {
  readonly template: Template;
  /** The first value's pipeline, for the rewrite. */
  readonly firstValue: string;
  readonly issues: Map<string, CommandIssue>;
  readonly uses: Uses;
  depth: number;
  /** States at the jumps of the innermost loop. */
  breaks: State[];
  continues: State[];
}

/** Walks every way through a template's branches and reports what is not allowed in a command with values. */
export function findIssues(template: Template, firstValue: string): CommandIssue[] {
  const walk: Walk = {
    template,
    firstValue,
    issues: new Map(),
    uses: createUses(),
    depth: 0,
    breaks: [],
    continues: [],
  };
  for (const state of walkNodes(walk, template.root, [initialState()])) {
    scanEnd(state, reportAt(walk, template.source.length));
  }
  for (const { place, reason } of walk.uses.problems({})) addIssue(walk, place, reason);
  return [...walk.issues.values()].sort((left, right) => left.line - right.line || left.column - right.column);
}

function reportAt(walk: Walk, offset: number): Report {
  return {
    place: offset,
    uses: walk.uses,
    refuse: (reason, place = offset) => addIssue(walk, place, reason),
    // Values are known while rendering only.
    refuseValue: () => undefined,
  };
}

function addIssue(walk: Walk, offset: number, reason: string): void {
  const { source } = walk.template;
  const action = /^\{\{-?\s*([^{}]*?)\s*-?\}\}/.exec(source.slice(offset))?.[1];
  const message = action === undefined ? reason : `{{ ${action} }}: ${reason}`;
  const next = rewrite(action ?? walk.firstValue);
  walk.issues.set(`${offset} ${message}`, { ...positionAt(source, offset), message, next });
}

/** `env: {POD: "{{ .alert.labels.pod }}"}` for `.alert.labels.pod`. */
function rewrite(value: string): string {
  const words =
    value
      .match(/\.[A-Za-z_][\w-]*/g)
      ?.at(-1)
      ?.slice(1) ?? 'value';
  const name = words.replaceAll('-', '_').toUpperCase();
  const safe = isPowerful(name) ? `ALERT_${name}` : name;
  const quote = value.includes('"') ? "'" : '"';
  return `give the value to the step as a variable, env: {${safe}: ${quote}{{ ${value} }}${quote}}, and write "$${safe}" in the command`;
}

function walkNodes(walk: Walk, nodes: readonly TemplateNode[], states: readonly State[]): readonly State[] {
  let current = states;
  for (const node of nodes) current = walkNode(walk, node, current);
  return current;
}

function walkNode(walk: Walk, node: TemplateNode, states: readonly State[]): readonly State[] {
  switch (node.kind) {
    case 'text':
      for (const state of states) walkText(walk, node, state);
      return states;
    case 'action':
      if (node.pipe.variables.length === 0) for (const state of states) walkValue(walk, node, state);
      return states;
    case 'if':
    case 'with':
      return merge(
        walk,
        node.offset,
        walkNodes(walk, node.body, copy(states)),
        walkNodes(walk, node.otherwise, states),
      );
    case 'range':
      return walkRange(walk, node, states);
    case 'template':
      return walkCall(walk, node.name, states);
    default:
      walk[node.kind === 'break' ? 'breaks' : 'continues'].push(...states);
      return [];
  }
}

function walkText(walk: Walk, node: TextNode, state: State): void {
  for (let index = 0; index < node.text.length; index += 1) {
    scanCharacter(state, node.text.charAt(index), reportAt(walk, node.offset + index));
  }
}

function walkValue(walk: Walk, { offset }: ActionNode, state: State): void {
  placeValue(state, undefined, 'FIST', reportAt(walk, offset));
}

function walkCall(walk: Walk, name: string, states: readonly State[]): readonly State[] {
  const nodes = walk.template.definitions.get(name);
  if (nodes === undefined || walk.depth >= maximumCalls) return states;
  walk.depth += 1;
  const result = walkNodes(walk, nodes, states);
  walk.depth -= 1;
  return result;
}

/** A body may run never, once or more often; it is walked until no pass leads to a state that was not seen before. */
function walkRange(walk: Walk, node: ControlNode, states: readonly State[]): readonly State[] {
  const { breaks, continues } = walk;
  walk.breaks = [];
  let after: readonly State[] =
    node.otherwise.length > 0 ? walkNodes(walk, node.otherwise, copy(states)) : copy(states);
  let current = states;
  const seen = new Set<string>();
  while (current.length > 0 && seen.size < maximumStates) {
    for (const state of current) seen.add(JSON.stringify(state));
    walk.continues = [];
    const ended = walkNodes(walk, node.body, copy(current));
    const next = merge(walk, node.offset, ended, walk.continues);
    after = merge(walk, node.offset, after, next);
    current = next.filter((state) => !seen.has(JSON.stringify(state)));
  }
  const result = merge(walk, node.offset, after, walk.breaks);
  walk.breaks = breaks;
  walk.continues = continues;
  return result;
}

function copy(states: readonly State[]): State[] {
  return states.map((state) => structuredClone(state));
}

/** Different states of two branches, never sharing objects. */
function merge(walk: Walk, offset: number, left: readonly State[], right: readonly State[]): readonly State[] {
  const states = new Map<string, State>();
  for (const state of [...left, ...right]) {
    const key = JSON.stringify(state);
    if (!states.has(key)) states.set(key, structuredClone(state));
  }
  if (states.size <= maximumStates) return [...states.values()];
  addIssue(walk, offset, `the branches lead to more than ${maximumStates} different commands, too many to check`);
  return [...states.values()].slice(0, maximumStates);
}
