import { mask, withoutColours } from './redact.ts';

/** Shorter values are not looked for: they would stand in half of all words. Characters. */
const shortestValue = 6;
/** A line of a longer value (a key, a file) that is masked by itself, for output that indents or cuts. Characters. */
const shortestLine = 16;

/**
 * A copy of text or JSON data without these values, and without colours, whoever printed them: as they are, JSON-escaped, URL-encoded or in
 * base64, and each longer line of a value with several. Values under 6 characters stay. Names stay. Time is linear in the text, however many values there are.
 */
export function maskValues<T>(data: T, values: Iterable<string>): T {
  const forms = formsOf(values);
  return forms.size === 0 ? data : (maskIn(data, forms) as T);
}

function maskIn(data: unknown, forms: Forms): unknown {
  if (typeof data === 'string') return maskText(data, forms);
  if (Array.isArray(data)) return data.map((item) => maskIn(item, forms));
  if (data === null || typeof data !== 'object') return data;
  return Object.fromEntries(Object.entries(data).map(([name, item]) => [name, maskIn(item, forms)]));
}

/** What to look for, by its first characters. */
type Forms = ReadonlyMap<string, Group>;

/** Forms that begin alike, in the order of their UTF-16 units, so that keys and certificates by the hundred take no time. */
interface Group {
  readonly sorted: readonly string[];
  /** For each the index of the longest other one that it begins with; -1 = none. */
  readonly shorter: readonly number[];
}

function formsOf(values: Iterable<string>): Forms {
  const all = new Set<string>();
  for (const value of values) {
    const trimmed = value.trim();
    if (trimmed.length < shortestValue) continue;
    const lines = trimmed.split(/\r?\n/);
    const parts = lines.length === 1 ? [trimmed] : [trimmed, ...lines.filter((line) => line.length >= shortestLine)];
    for (const part of parts) for (const form of [part, ...encoded(part)]) all.add(form);
    for (const form of encoded(value)) all.add(form);
  }
  const groups = new Map<string, string[]>();
  for (const form of all) {
    if (mask.includes(form)) continue;
    const start = form.slice(0, shortestValue);
    const group = groups.get(start);
    if (group === undefined) groups.set(start, [form]);
    else group.push(form);
  }
  return new Map([...groups].map(([start, group]) => [start, groupOf(group)]));
}

function groupOf(forms: string[]): Group {
  // By UTF-16 units, as compareAt does.
  const sorted = forms.sort();
  const open: number[] = [];
  const shorter = sorted.map((form, index) => {
    while (open.length > 0 && !form.startsWith(sorted[open.at(-1) ?? 0] ?? '')) open.pop();
    const longest = open.at(-1) ?? -1;
    open.push(index);
    return longest;
  });
  return { sorted, shorter };
}

/** The longest form that stands at a position. */
function longestAt({ sorted, shorter }: Group, text: string, position: number): string | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareAt(sorted[middle] ?? '', text, position) <= 0) low = middle + 1;
    else high = middle;
  }
  // What stands there begins the last form that is not behind the text, or is it.
  for (let index = low - 1; index >= 0; index = shorter[index] ?? -1) {
    const form = sorted[index] ?? '';
    if (text.startsWith(form, position)) return form;
  }
  return undefined;
}

/** The order of a form and the text from a position on; 0 = the text begins with it. */
function compareAt(form: string, text: string, position: number): number {
  for (let offset = 0; offset < form.length; offset += 1) {
    if (position + offset >= text.length) return 1;
    const difference = form.charCodeAt(offset) - text.charCodeAt(position + offset);
    if (difference !== 0) return difference;
  }
  return 0;
}

function encoded(value: string): readonly string[] {
  const base64 = [value, `${value}\n`].flatMap((text) =>
    (['base64', 'base64url'] as const).map((encoding) => Buffer.from(text).toString(encoding)),
  );
  const unpadded = base64.map((text) => text.replace(/=+$/, ''));
  return [...inJson(value), ...inUrls(value.toWellFormed()), ...base64, ...unpadded];
}

/** As most programs write it, and as Go's do (kubectl). */
function inJson(value: string): readonly string[] {
  const text = JSON.stringify(value).slice(1, -1);
  return [text, text.replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)];
}

/** As browsers write it, as RFC 3986 says (curl, jq), and as forms do. */
function inUrls(value: string): readonly string[] {
  const text = encodeURIComponent(value);
  const strict = text.replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  return [text, strict, strict.replaceAll('%20', '+')];
}

function maskText(printed: string, forms: Forms): string {
  const text = withoutColours(printed);
  const firsts = new Set([...forms.keys()].map((start) => start.charCodeAt(0)));
  let result = '';
  let kept = 0;
  for (let position = 0; position + shortestValue <= text.length; position += 1) {
    if (!firsts.has(text.charCodeAt(position))) continue;
    const group = forms.get(text.slice(position, position + shortestValue));
    const found = group === undefined ? undefined : longestAt(group, text, position);
    if (found === undefined) continue;
    result += `${text.slice(kept, position)}${mask}`;
    kept = position + found.length;
    position = kept - 1;
  }
  return result + text.slice(kept);
}
