import { hash } from 'node:crypto';
import { sha256Hex } from '../../hash.ts';
import { FunctionError } from '../error.ts';
import { sprint } from '../print.ts';
import { isPrintable } from '../quote.ts';
import { spend } from '../runtime.ts';
import type { Runtime } from '../runtime.ts';
import { fixed, variadic } from './define.ts';
import type { FunctionTable } from './define.ts';

/** The text that html, js and urlquery escape: nil shows as Go prints it. Each of its characters may become several. */
function textOf(values: readonly unknown[], runtime: Runtime): string {
  const text = sprint(
    values.map((value) => (value === undefined || value === null ? '<no value>' : value)),
    runtime,
  );
  spend(runtime, text.length);
  return text;
}

const htmlEscapes: Readonly<Record<string, string>> = {
  '\0': '\ufffd',
  '"': '&#34;',
  "'": '&#39;',
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[\0"'&<>]/g, (character) => htmlEscapes[character] ?? character);
}

const jsEscapes: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '"': '\\"' };

function escapeJs(text: string): string {
  return text.replaceAll(/[\\'"<>&=]|[^ -\x7f]/gu, (character) => {
    if (character > '\x7f' && isPrintable(character)) return character;
    const digits = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return jsEscapes[character] ?? `\\u${digits}`;
  });
}

function escapeQuery(text: string): string {
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** Go's url.QueryUnescape; bytes that are no UTF-8 become U+FFFD. */
function unescapeQuery(text: string): string {
  const wrong = /%(?![0-9a-fA-F]{2}).{0,2}/s.exec(text);
  if (wrong !== null) throw new FunctionError(`invalid URL escape ${JSON.stringify(wrong[0])}`);
  const spaced = text.replaceAll('+', ' ');
  return spaced.replaceAll(/(?:%[0-9a-fA-F]{2})+/g, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  );
}

/** The offset at which Go's encoding/base64 finds its input corrupt; `undefined` where it decodes. */
function corruptAt(text: string, alphabet: RegExp): number | undefined {
  const bytes = Buffer.from(text, 'utf8').toString('latin1');
  let count = 0;
  for (let offset = 0; offset < bytes.length; offset += 1) {
    const character = bytes.charAt(offset);
    if (character === '\n' || character === '\r') continue;
    if (character === '=') return corruptPadding(bytes, offset, count % 4);
    if (!alphabet.test(character)) return offset;
    count += 1;
  }
  return count % 4 === 0 ? undefined : bytes.length - (count % 4);
}

function corruptPadding(bytes: string, offset: number, inQuantum: number): number | undefined {
  if (inQuantum < 2) return offset;
  const rest = bytes.slice(offset).replaceAll(/[\r\n]/g, '');
  const wanted = inQuantum === 2 ? '==' : '=';
  if (rest === wanted) return undefined;
  if (rest === '=' && wanted === '==') return bytes.length;
  return inQuantum === 2 && rest[1] !== '=' ? offset : offset + wanted.length;
}

function decodeBase64(text: string, alphabet: RegExp, runtime: Runtime): string {
  spend(runtime, text.length >>> 2);
  const offset = corruptAt(text, alphabet);
  if (offset !== undefined) throw new FunctionError(`illegal base64 data at input byte ${offset}`);
  return Buffer.from(text, 'base64').toString('utf8');
}

/** Sprig answers with the error as text. */
function decodeOrExplain(text: string, runtime: Runtime): string {
  try {
    return decodeBase64(text, /[A-Za-z0-9+/]/, runtime);
  } catch (thrown) {
    if (thrown instanceof FunctionError) return thrown.message;
    throw thrown;
  }
}

function digest(algorithm: 'sha1' | 'sha512', text: string, runtime: Runtime): string {
  spend(runtime, text.length >>> 3);
  return hash(algorithm, text);
}

/** Escapes, base64 and hashes of Go, Sprig and Alertmanager. */
export const encodingFunctions: FunctionTable = {
  html: variadic([], 'any', (values, runtime) => escapeHtml(textOf(values, runtime))),
  js: variadic([], 'any', (values, runtime) => escapeJs(textOf(values, runtime))),
  urlquery: variadic([], 'any', (values, runtime) => escapeQuery(textOf(values, runtime))),
  urlQueryEscape: fixed(['string'], (text, runtime) => {
    spend(runtime, text.length);
    return escapeQuery(text);
  }),
  urlUnescape: fixed(['string'], (text, runtime) => {
    spend(runtime, text.length >>> 2);
    return unescapeQuery(text);
  }),
  // Alertmanager's base64 is the URL alphabet with padding, Sprig's the standard one.
  base64encode: fixed(['string'], (text) =>
    Buffer.from(text, 'utf8').toString('base64').replaceAll('+', '-').replaceAll('/', '_'),
  ),
  base64decode: fixed(['string'], (text, runtime) => decodeBase64(text, /[A-Za-z0-9_-]/, runtime)),
  b64enc: fixed(['string'], (text) => Buffer.from(text, 'utf8').toString('base64')),
  b64dec: fixed(['string'], decodeOrExplain),
  sha1sum: fixed(['string'], (text, runtime) => digest('sha1', text, runtime)),
  sha512sum: fixed(['string'], (text, runtime) => digest('sha512', text, runtime)),
  sha256sum: fixed(['string'], (text, runtime) => {
    spend(runtime, text.length >>> 3);
    return sha256Hex(text);
  }),
};
