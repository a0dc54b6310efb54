import type { JsonObject, JsonValue } from '../../core/json.ts';
import { objectOf } from '../../core/json.ts';
import type { ToolAnswer } from '../tools/define.ts';
import type { McpResult } from './connection.ts';

/** Of one text of an answer, as it came; what the toolbox shows is far less. Characters. */
const mostText = 256 * 1024;

/** What a tool of a server answered, as the toolbox takes it: nothing of it is redacted or bounded yet. */
export function answerOf(server: string, tool: string, { content, structured, isError }: McpResult): ToolAnswer {
  const texts = content.map(textOf).filter((text) => text.trim() !== '');
  const text = texts.length === 0 && structured !== null ? JSON.stringify(structured, null, 1) : texts.join('\n');
  const shown = text.slice(0, mostText);
  if (isError)
    return { status: 'error', reason: 'McpToolFailed', text: shown || 'it failed', command: null, evidence: null };
  return {
    status: shown === '' ? 'no_data' : 'ok',
    text: shown === '' ? 'the tool answered nothing' : shown,
    command: null,
    evidence: { kind: 'mcp', object: `mcp/${server}/${tool}` },
    narrow: 'ask for less, with arguments of the tool',
  };
}

/** What is no text is named, not shown. */
function textOf(block: JsonObject): string {
  const { type, text, mimeType, data } = block;
  if (type === 'text') return asText(text);
  if (type === 'resource') return ofResource(objectOf(block['resource']));
  if (type === 'resource_link') return `[${['link', asText(block['uri']), asText(block['name'])].join(' ').trim()}]`;
  return notShown(type, mimeType, data);
}

function ofResource({ uri, text, blob, mimeType }: JsonObject): string {
  if (typeof text === 'string') return `[${asText(uri)}]\n${text}`;
  return notShown(uri, mimeType, blob);
}

function notShown(what: JsonValue | undefined, type: JsonValue | undefined, data: JsonValue | undefined): string {
  const size = typeof data === 'string' ? `, ${data.length} characters of base64` : '';
  return `[${`${asText(what)} ${asText(type)}`.trim()}${size}: not shown]`;
}

function asText(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
