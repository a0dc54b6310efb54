import type { JsonObject, JsonValue } from '../../core/json.ts';
import { requestPath } from '../../lib/api-call.ts';
import type { ApiReader } from '../../lib/api-call.ts';
import { cutText } from '../../lib/cut.ts';
import { oneLine, printableJson } from '../../lib/printable.ts';
import { readList } from '../../lib/read-list.ts';
import { eventLoopTurns } from '../../lib/turns.ts';
import type { AnswerOf } from '../routes.ts';
import { mostDataBytes } from './answer.ts';

/** What is shown of some thing; what is null or empty is left out. */
export type Shown = Readonly<Record<string, JsonValue | undefined>>;

/** A list of the API, `GET /api/v1/alerts`, with filters. */
interface ListRequest<Plural extends string> {
  readonly plural: Plural;
  readonly query: Readonly<Record<string, unknown>>;
  readonly limit: number;
}

type PageOf<Plural extends 'alerts' | 'runs' | 'gaps'> = AnswerOf<`GET /api/v1/${Plural}`>;
type ItemOf<Plural extends 'alerts' | 'runs' | 'gaps'> = PageOf<Plural>['items'][number];

/** Room for what redaction adds. */
const mostLinesBytes = Math.floor(mostDataBytes * 0.9);

/**
 * A page of a list, one thing a line, that fits into an answer. Where it does not, a shorter one is asked for, so that its cursor goes
 * on where the lines end.
 */
export async function pageOfLines<Plural extends 'alerts' | 'runs' | 'gaps'>(
  api: ApiReader,
  { plural, query, limit }: ListRequest<Plural>,
  view: (item: ItemOf<Plural>) => Shown,
): Promise<Pick<PageOf<Plural>, 'items' | 'nextCursor'> & { readonly text: string }> {
  const parameters = new URLSearchParams(requestPath('', { query }));
  const page = await readList<ItemOf<Plural>>(api, plural, parameters, limit);
  const text = await jsonLines(page.items.map(view));
  if (Buffer.byteLength(text) <= mostLinesBytes || page.items.length <= 1) return { ...page, text };
  return pageOfLines(api, { plural, query, limit: Math.ceil(page.items.length / 2) }, view);
}

/** Things one a line, as JSON. */
async function jsonLines(items: readonly Shown[]): Promise<string> {
  const lines: string[] = [];
  for (const item of items) {
    if (eventLoopTurns.isOver()) await eventLoopTurns.next();
    lines.push(jsonLine(item));
  }
  return lines.join('\n');
}

export function jsonLine(item: Shown): string {
  return printableJson(JSON.stringify(withoutNothing(item)));
}

function withoutNothing(item: Shown): JsonObject {
  return Object.fromEntries(
    Object.entries(item).flatMap(([name, value]): [string, JsonValue][] =>
      value === undefined || isNothing(value) ? [] : [[name, value]],
    ),
  );
}

function isNothing(value: JsonValue): boolean {
  if (value === null || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

/** Text of a field: on one line, of at most so many characters. */
export function brief(text: string | null | undefined, limit: number): string | null {
  return text == null || text === '' ? null : oneLine(text, limit);
}

/** Labels or annotations: so many at most, each bounded; a mark says that there are more. */
export function briefPairs(
  pairs: Readonly<Record<string, string>>,
  { most, characters }: { readonly most: number; readonly characters: number },
): JsonObject {
  const entries = Object.entries(pairs);
  const shown = entries.slice(0, most).map(([name, value]) => [cutText(name, characters), oneLine(value, characters)]);
  return { ...Object.fromEntries(shown), ...(entries.length > most ? { '…': `${entries.length - most} more` } : {}) };
}

/** Arguments of a tool as they are written in a call, for the next one. Only ids and words of ours. */
export function callOf(name: string, input: Readonly<Record<string, JsonValue>>): string {
  return `${name} ${JSON.stringify(input)}`;
}
