/** Of a log that is looked at, in characters: 200 ordinary lines have a quarter of it. */
const mostCharacters = 128 * 1024;
const longestLine = 8000;

/**
 * The end of a log, in whole lines, before anything works on it: redaction and the search for what the program said take time
 * by the character. A longer line loses its end, from the edge of a word on, because half a secret is known by nothing.
 */
export function boundLog(text: string, most = mostCharacters): string {
  if (text.length <= longestLine) return text;
  const bounded = text.length <= most ? text : lastWholeLines(text, most);
  if (!/[^\n]{8001}/.test(bounded)) return bounded;
  return bounded.split('\n').map(cutLine).join('\n');
}

function lastWholeLines(text: string, most: number): string {
  const start = text.length - most;
  const next = text.indexOf('\n', start) + 1;
  if (next > 0 && next < text.length) return text.slice(next);
  // Its last line alone is longer: the beginning of that line.
  const lineStart = text.lastIndexOf('\n', text.length - 2) + 1;
  return text.slice(lineStart, lineStart + longestLine + 1);
}

/** As {@link boundLog}, but the beginning. */
export function boundStart(text: string, most = mostCharacters): string {
  if (text.length <= most) return boundLog(text, most);
  const end = text.lastIndexOf('\n', most);
  return boundLog(end < 0 ? text.slice(0, longestLine + 1) : text.slice(0, end), most);
}

function cutLine(line: string): string {
  return line.length <= longestLine ? line : `${firstWords(line)} [the rest of a long line is left out]`;
}

/** The whole words of the first 8000 characters. */
export function firstWords(text: string): string {
  if (text.length <= longestLine) return text;
  const kept = text.slice(0, longestLine);
  const edge = kept.search(/\s\S*$/);
  return edge < 0 ? '' : kept.slice(0, edge);
}
