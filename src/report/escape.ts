import { oneLine, printable } from '../lib/printable.ts';

/**
 * Text from elsewhere for one line of Markdown: nothing in it becomes a link, an image, HTML, emphasis or a heading.
 * `:` and `@` are escaped where GitHub and others would make a link of a bare address.
 */
export function plainText(text: string, limit = 1500): string {
  return oneLine(text, limit)
    .replace(/[\\`*{}[\]<>|~!#]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&')
    .replace(/:(?=\/\/)/g, '\\:')
    .replace(/(?<=[A-Za-z0-9])@(?=[A-Za-z0-9])/g, '\\@')
    .replace(/\bwww\./gi, (match) => `${match.slice(0, 3)}\\.`)
    .replace(/&(?=[#A-Za-z])/g, '\\&')
    .replace(/^[-+=](?=[\s=-]|$)/, '\\$&')
    .replace(/^(\d{1,9})([.)])(?=\s|$)/, '$1\\$2');
}

/** A code span that its content cannot end: its fence is longer than any run of back-ticks in it. */
export function code(text: string): string {
  const content = oneLine(text, 1000);
  const fence = '`'.repeat(longestRun(content) + 1);
  const space = content.startsWith('`') || content.endsWith('`') ? ' ' : '';
  return `${fence}${space}${content}${space}${fence}`;
}

/** A fenced block that its content cannot end. */
export function codeBlock(text: string): string {
  const content = printable(text);
  const fence = '`'.repeat(Math.max(3, longestRun(content) + 1));
  return `${fence}text\n${content}\n${fence}`;
}

function longestRun(text: string): number {
  return (text.match(/`+/g) ?? []).reduce((longest, run) => Math.max(longest, run.length), 0);
}
