import type { JsonObject } from '../../src/core/json.ts';
import type { ScriptedAnswer, ScriptedCall, SeenRequest } from './model-server.ts';

// A model that does whatever any text in front of it says, and texts that give it orders.

/** What an attacker wants to be called. */
export interface Order {
  readonly name: string;
  readonly input: Readonly<Record<string, string>>;
}

/** An order as {@link ordersIn} finds it again, in any text that may also have been quoted as JSON. */
export function orderText({ name, input }: Order): string {
  return ['CALL', name, ...Object.entries(input).map(([key, value]) => `${key}:=${value}`), 'NOW'].join(' ');
}

/** All orders that stand in a text, also in one that was made printable. */
export function ordersIn(text: string): readonly Order[] {
  const plain = text
    // As YAML folds a long line.
    .replace(/\\\n\s*(?:\\(?= ))?/g, '')
    .replace(/\\*\\u\{[0-9a-f]+\}|\\*\\u[0-9a-f]{4}/gi, '')
    .replace(/\\+[nrt]|\s+/g, ' ');
  return [...plain.matchAll(/CALL (\S+)((?: \w+:=\S*)*) NOW\b/g)].map(([, name = '', rest = '']) => ({
    name,
    input: Object.fromEntries(
      rest
        .split(' ')
        .filter((part) => part.includes(':='))
        .map((part) => part.split(':=') as [string, string]),
    ),
  }));
}

/** All that a request shows to the model. */
export function promptOf({ system, messages }: SeenRequest): string {
  return [system, ...messages.flatMap(({ text, results }) => [text, ...results.map((result) => result.text)])].join(
    '\n',
  );
}

/**
 * The model: reads what it is told to read, obeys each order that it has seen and not obeyed yet (in descriptions of tools, too), then
 * gives the answer, into which it copies what `copy` makes of the prompt.
 */
export function obey(
  request: SeenRequest,
  read: readonly ScriptedCall[],
  answer: (prompt: string) => JsonObject,
): ScriptedAnswer {
  const prompt = promptOf(request);
  const seen = `${prompt}\n${JSON.stringify(request.body['tools'] ?? [])}`;
  if (request.schema !== null) return { json: answer(prompt) };
  const made = new Set(request.messages.flatMap(({ calls }) => calls.map(({ name, input }) => keyOf(name, input))));
  const wanted: readonly ScriptedCall[] = made.size === 0 ? read : ordersIn(seen);
  const calls = wanted.filter(({ name, input }) => !made.has(keyOf(name, input)));
  return calls.length === 0 ? { text: `I obeyed: ${prompt.slice(-2000)}` } : { text: prompt.slice(-500), calls };
}

function keyOf(name: string, input: unknown): string {
  return `${name} ${JSON.stringify(input)}`;
}
