import { cutText } from '../lib/cut.ts';
import { printable } from '../lib/printable.ts';
import type { NamedLink } from './payload.ts';

/** Of a description or a comment, in Jira: 32,767. Room is left for the links. */
const mostCharacters = 30_000;

/**
 * Plain text as a document of Atlassian (ADF): text is data in it, so nothing in the text is markup, a mention or a link. Blocks
 * between empty lines are paragraphs.
 */
export function adfDocument(text: string, links: readonly NamedLink[]): object {
  const blocks = cutText(printable(text), mostCharacters)
    .split(/\n\s*\n/)
    .map((block) => block.split('\n').filter((line) => line.trim() !== ''))
    .filter((lines) => lines.length > 0)
    .map((lines) =>
      paragraph(lines.flatMap((line, index) => (index === 0 ? [textNode(line)] : [lineBreak, textNode(line)]))),
    );
  const linked = links.flatMap((link, index) => [...(index === 0 ? [] : [textNode(' | ')]), linkNode(link)]);
  return { version: 1, type: 'doc', content: [...blocks, ...(linked.length === 0 ? [] : [paragraph(linked)])] };
}

/**
 * The same for Jira Server and Data Center, whose descriptions are wiki markup: a block that its content cannot end, in which nothing is
 * markup; a mention is broken as well, because it is looked for in the text as it is.
 */
export function wikiText(text: string, links: readonly NamedLink[]): string {
  const safe = cutText(printable(text), mostCharacters)
    .replace(/\{(?=\s*noformat)/gi, '{ ')
    .replace(/\[(?=~)/g, '[ ');
  const linked = links.map(({ href, text: shown }) => `[${shown}|${href.replace(/[[\]|{}]/g, encodeURIComponent)}]`);
  return [`{noformat}\n${safe.trim()}\n{noformat}`, ...(linked.length === 0 ? [] : [linked.join(' | ')])].join('\n');
}

const lineBreak = { type: 'hardBreak' };

function paragraph(content: readonly object[]): object {
  return { type: 'paragraph', content };
}

function textNode(text: string): object {
  return { type: 'text', text };
}

function linkNode({ href, text }: NamedLink): object {
  return { type: 'text', text, marks: [{ type: 'link', attrs: { href } }] };
}
