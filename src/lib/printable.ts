import { cutText } from './cut.ts';
/**
 * Text from elsewhere, safe to show: control characters (but line feed and tab), terminal sequences, bidirectional
 * controls, zero-width and other invisible characters and lone surrogates are written as `\u{1b}`; a Windows line end
 * becomes a line feed. What remains cannot move a cursor, hide or reorder anything.
 */
export function printable(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replace(unprintable, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

// Cc without \n and \t; Cf (bidirectional, zero width, tags, soft hyphen); Cs (lone surrogates); line and paragraph
// separators; fillers that show as nothing; variation selectors.
const unprintable =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- control characters are the subject
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Cf}\p{Cs}\u2028\u2029\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\u{e0100}-\u{e01ef}]/gu;

/** One line, without anything that a terminal would act on: alert text is data. */
export function plain(text: string): string {
  return printable(text).replace(/[\n\t]/g, ' ');
}

/** JSON text that stays JSON and says the same: what {@link printable} escapes is escaped the JSON way. */
export function printableJson(json: string): string {
  return json.replace(unprintable, (character) =>
    Array.from(
      { length: character.length },
      (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  );
}

/** YAML of JSON data. Text that {@link printable} would escape stands in double quotes, escaped the YAML way. */
export async function printableYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  const text = stringify(value);
  if (text.search(unprintable) < 0) return text;
  return printableJson(stringify(value, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'QUOTE_DOUBLE' }));
}

/** {@link printable} on one line: line feeds and tabs become spaces, and more than `limit` characters are cut. */
export function oneLine(text: string, limit = 300): string {
  const line = printable(
    text
      .slice(0, limit * 4)
      .replace(/\s+/g, ' ')
      .trim(),
  );
  return cutText(line, limit);
}
