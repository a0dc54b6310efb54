import type { ToolCall } from '../../src/agent/message.ts';
import type { ModelAnswer, ModelRequest, PatientModel } from '../../src/agent/models/model.ts';

/** What is asked first about the object of the alert, and then about what it led to. */
type Question = readonly [name: string, input: Readonly<Record<string, unknown>>];

/** `pod/shop/web-1` in its parts. */
type Named = { readonly resource: string; readonly namespace?: string; readonly name: string };

/** Kinds whose changes and pods are looked at next. */
const managing = /\b((?:deployment|statefulset|daemonset|job)\/[a-z0-9.-]+\/[a-z0-9.-]+)/;
const placed = /\b(node\/[a-z0-9.-]+)(?![a-z0-9./-])/;

/**
 * A model that investigates as a careful engineer would, always in the same way: the object of the alert, its events, logs and links and
 * what was changed near it; then what manages it and where it runs. It concludes nothing.
 */
export function scriptedInvestigator(): PatientModel {
  let asked = 0;
  const answer = (request: ModelRequest): ModelAnswer['message'] => {
    const prompt = request.messages.map(textOf).join('\n');
    if (request.schema !== null)
      return said(JSON.stringify({ summary: 'Not shown.', cause: null, findings: [], hypotheses: [], next: [] }));
    const turns = request.messages.filter(({ role }) => role === 'assistant').length;
    const questions = turns === 0 ? aboutTheAlert(prompt) : turns === 1 ? aboutWhatItLedTo(prompt) : [];
    const offered = new Set(request.tools.map(({ name }) => name));
    const calls = questions
      .filter(([name]) => offered.has(name))
      .map(([name, input]): ToolCall => ({ id: `c${(asked += 1)}`, name, input: JSON.stringify(input) }));
    return calls.length === 0 ? said('That is all.') : { ...said(''), calls };
  };
  return {
    name: 'scripted/investigator',
    contextTokens: 128_000,
    price: null,
    ask: async (request) => ({
      answer: { message: answer(request), finish: 'stop', usage: null },
      model: 'scripted/investigator',
      price: null,
    }),
  };
}

function said(text: string): ModelAnswer['message'] {
  return { role: 'assistant', text, calls: [], raw: null };
}

function textOf(message: ModelRequest['messages'][number]): string {
  return message.role === 'tool' ? message.results.map(({ text }) => text).join('\n') : message.text;
}

function aboutTheAlert(prompt: string): readonly Question[] {
  const object = partsOf(/^about: ([a-z]+\/[a-z0-9./-]+)/m.exec(prompt)?.[1]);
  if (object === null) return [];
  const { resource, namespace, name } = object;
  const questions: Question[] = [
    ['kubernetes_describe', object],
    ['kubernetes_graph', object],
  ];
  if (resource === 'pod') questions.push(['kubernetes_logs', { namespace, pod: name }]);
  if (namespace === undefined) return questions;
  return [
    ...questions,
    ['kubernetes_events', { namespace, warnings: true }],
    ['kubernetes_changes', { namespace }],
    ['kubernetes_list', { resource: 'pods', namespace }],
  ];
}

function aboutWhatItLedTo(prompt: string): readonly Question[] {
  const manager = partsOf(managing.exec(prompt)?.[1]);
  const node = partsOf(placed.exec(prompt)?.[1]);
  const questions: Question[] = [];
  if (manager !== null) questions.push(['kubernetes_describe', manager], ['kubernetes_get', manager]);
  if (node !== null) questions.push(['kubernetes_describe', node]);
  return questions;
}

function partsOf(title: string | undefined): Named | null {
  const parts = (title ?? '').split('/');
  const [resource = '', second = '', third] = parts;
  if (parts.length < 2) return null;
  return third === undefined ? { resource, name: second } : { resource, namespace: second, name: third };
}
