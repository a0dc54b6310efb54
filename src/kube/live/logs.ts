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
 * end (a cut file) goes to the next section or the end of the file. Of the end of a file (`isEnd`) the first lines belong to
 * the section that ends first. Time is linear in the text, whatever markers the log itself holds.
 */
export function parseLogSections(text: string, namespace: string, pod: string, isEnd = false): readonly LogSection[] {
  const endAfter = findEnds(text, `${namespace}/${pod}`);
  const startLine = /^==== START logs for container (\S{1,253}) of pod (\S{1,510}) ====\n?/gm;
  const sections: LogSection[] = [];
  if (isEnd) {
    const first = /==== END logs for container (\S{1,253}) of pod (\S{1,510}) ====/.exec(text);
    const firstWhole = text.indexOf('\n') + 1;
    if (first?.[2] === `${namespace}/${pod}` && firstWhole <= first.index) {
      sections.push({ container: first[1] ?? '', text: text.slice(firstWhole, first.index) });
      startLine.lastIndex = first.index;
    }
  }
  for (let found = startLine.exec(text); found !== null; found = startLine.exec(text)) {
    const container = found[1] ?? '';
    const from = startLine.lastIndex;
    const to = endAfter(container, from) ?? nextStart(text, from);
    if (found[2] === `${namespace}/${pod}`) sections.push({ container, text: text.slice(from, to) });
    startLine.lastIndex = to;
  }
  return sections;
}

/** Asks for the first end marker of a container at or behind a position; positions only grow. */
function findEnds(text: string, ofPod: string): (container: string, from: number) => number | undefined {
  const ends = new Map<string, number[]>();
  for (const found of text.matchAll(/==== END logs for container (\S{1,253}) of pod (\S{1,510}) ====/g)) {
    const [, container = '', pod] = found;
    if (pod !== ofPod) continue;
    const known = ends.get(container);
    if (known === undefined) ends.set(container, [found.index]);
    else known.push(found.index);
  }
  for (const positions of ends.values()) positions.reverse();
  return (container, from) => {
    const positions = ends.get(container) ?? [];
    while ((positions.at(-1) ?? from) < from) positions.pop();
    return positions.at(-1);
  };
}

function nextStart(text: string, from: number): number {
  // One character before: the section may be empty.
  const next = text.indexOf('\n==== START logs for container ', from - 1);
  return next < 0 ? text.length : next + 1;
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
