/**
 * How many columns of a terminal a text takes: East Asian wide and full-width characters and emoji take two, marks that
 * combine with the character before them none. For text without control characters (`printable`).
 */
export function textWidth(text: string): number {
  if (narrow.test(text)) return text.length;
  let width = 0;
  for (const cluster of clustersOf(text)) width += clusterWidth(cluster);
  return width;
}

/** At most so many columns of it; what was cut off is an ellipsis. */
export function cutToWidth(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  let [kept, width] = ['', 0];
  for (const cluster of clustersOf(text)) {
    width += clusterWidth(cluster);
    if (width > columns - 1) break;
    kept += cluster;
  }
  return `${kept.trimEnd()}…`;
}

/** Cut in the middle: the end of a name tells pods of one Deployment apart. */
export function cutMiddle(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text;
  const most = Math.min(mostEnd, Math.floor((columns - 1) / 2));
  let [end, width] = ['', 0];
  for (const cluster of [...clustersOf(text)].toReversed()) {
    width += clusterWidth(cluster);
    if (width > most) break;
    end = cluster + end;
  }
  return cutToWidth(text, columns - textWidth(end)) + end;
}

/** `-59zsl`: what Kubernetes puts behind the name of a pod's owner. */
const mostEnd = 6;

const narrow = /^[\u0020-\u007e]*$/;

/** Blocks that UAX #11 (EastAsianWidth.txt) has as W or F; emoji are W where they are shown as pictures by default. */
const wide =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f265}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const combining = /^[\p{Mn}\p{Me}]/u;

let segmenter: Intl.Segmenter | undefined;

/** Characters as a reader counts them. */
function* clustersOf(text: string): Iterable<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  for (const { segment } of segmenter.segment(text)) yield segment;
}

function clusterWidth(cluster: string): number {
  if (wide.test(cluster)) return 2;
  return combining.test(cluster) ? 0 : 1;
}
