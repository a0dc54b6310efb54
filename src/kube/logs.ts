/** A container's part of a `logs.txt` or `previous.txt`. */
export interface LogSection {
  readonly container: string;
  readonly text: string;
}

/** First and last line of a section, as `kubectl cluster-info dump` writes them (kubectl, cmd/clusterinfo/clusterinfo_dump.go). */
export function sectionMarkers(
  namespace: string,
  pod: string,
  container: string,
): { readonly start: string; readonly end: string } {
  const what = `logs for container ${container} of pod ${namespace}/${pod} ====`;
  return { start: `==== START ${what}`, end: `==== END ${what}` };
}

/**
 * Splits such a file. The end marker follows the log without a line end where the log has none. A section without its
 * end (a cut file) goes to the next section or the end of the file.
 */
export function parseLogSections(text: string, namespace: string, pod: string): readonly LogSection[] {
  const sections: LogSection[] = [];
  let position = 0;
  while (position < text.length) {
    const found = /^==== START logs for container (\S+) of pod (\S+) ====\n?/m.exec(text.slice(position));
    if (found === null) break;
    const container = found[1] ?? '';
    const from = position + found.index + found[0].length;
    const end = text.indexOf(sectionMarkers(namespace, pod, container).end, from);
    const next = text.indexOf('\n==== START logs for container ', from);
    const to = end >= 0 ? end : next >= 0 ? next + 1 : text.length;
    if (found[2] === `${namespace}/${pod}`) sections.push({ container, text: text.slice(from, to) });
    position = Math.max(to, from);
  }
  return sections;
}

/** What kubectl writes into a section when it could not get the log; null for a log. */
export function requestError(section: string): string | null {
  const match = /^(?:Request log error|Create log request error): ([^\n]*)\n?$/.exec(section);
  return match?.[1] ?? null;
}

/** The last `count` lines. */
export function lastLines(text: string, count: number): string {
  let position = text.endsWith('\n') ? text.length - 1 : text.length;
  for (let lines = 0; lines < count; lines += 1) {
    position = text.lastIndexOf('\n', position - 1);
    if (position < 0) return text;
  }
  return text.slice(position + 1);
}
