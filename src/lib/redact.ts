import { isSecretName } from './secret-names.ts';

/** What stands where a secret was. Always the same, so that its length tells nothing. */
export const mask = '[REDACTED]';

/** More than this is cut before anything else looks at it. Characters. */
const maxTextLength = 8 * 1024 * 1024;

/**
 * Takes secrets out of text: pairs of a secret-like name and a value (`password=x`, JSON, YAML, headers, options),
 * tokens with a known form, private keys, passwords in URLs, and long strings that look random. Colour codes are
 * removed first, because they would part a name from its value. Time is linear in the length of the text.
 */
export function redact(text: string): string {
  let result = text.length > maxTextLength ? `${text.slice(0, maxTextLength)}\n[cut]` : text;
  result = result.replace(colour, '');
  if (result.includes('-----')) result = maskKeyBlocks(result);
  result = maskPairs(maskEnvironmentObjects(result));
  for (const { pattern, replacement } of knownForms) result = result.replace(pattern, replacement);
  return result.replace(longToken, (token) => (looksRandom(token) ? mask : token));
}

/** Colour sequences (SGR). Others stay, to be shown escaped. */
// oxlint-disable-next-line no-control-regex -- control characters are the subject
const colour = /\u001b\[[0-9;:]{0,64}m/g;

const begin = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;
const end = /-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/;

/** A block without its end is masked to the end of the text; one without its beginning, back over its base64 lines. */
function maskKeyBlocks(text: string): string {
  let result = '';
  let position = 0;
  for (const match of text.matchAll(begin)) {
    if (match.index < position) continue;
    result += `${text.slice(position, match.index)}${mask}`;
    const rest = end.exec(text.slice(match.index));
    position = rest === null ? text.length : match.index + rest.index + rest[0].length;
  }
  result += text.slice(position);
  if (!end.test(result)) return result;
  const lines: string[] = [];
  for (const line of result.split('\n')) {
    if (end.test(line)) {
      while (lines.length > 0 && /^[^\n]{0,64}?[A-Za-z0-9+/=]{32,}\s*$/.test(lines.at(-1) ?? '')) lines.pop();
      lines.push(mask);
    } else lines.push(line);
  }
  return lines.join('\n');
}

const environmentStart =
  /(?<![A-Za-z])(?:name|key)\\{0,3}"?\s{0,8}[:=]\s{0,8}\\{0,3}"?([A-Za-z0-9_.-]{1,128})\\{0,3}"?[\s,-]{0,40}\\{0,3}"?value\\{0,3}"?\s{0,8}[:=]\s{0,8}/gi;
const plainValue = /[^\s,}]+/y;

/** `{"name": "DB_PASSWORD", "value": "x"}`, as Kubernetes writes environment variables. */
function maskEnvironmentObjects(text: string): string {
  let result = '';
  let position = 0;
  environmentStart.lastIndex = 0;
  for (let match = environmentStart.exec(text); match !== null; match = environmentStart.exec(text)) {
    const [whole, name = ''] = match;
    if (!isSecretName(name)) continue;
    const start = match.index + whole.length;
    const value = matchAt(quotedValue, text, start) ?? matchAt(plainValue, text, start);
    if (value === undefined) continue;
    result += `${text.slice(position, start)}${mask}`;
    position = start + value.length;
    environmentStart.lastIndex = position;
  }
  return result + text.slice(position);
}

/** What a sticky pattern finds at `start`. */
function matchAt(pattern: RegExp, text: string, start: number): string | undefined {
  pattern.lastIndex = start;
  return pattern.exec(text)?.[0];
}

// A name begins where no name character precedes it, so each run of name characters is looked at once.
const pairStart =
  /(?<![A-Za-z0-9_.-])([A-Za-z0-9_.-]+)(\\{0,3}["']?\]?[ \t]{0,8}(?::=|=>|[:=])[ \t]{0,8}|(?<=--[A-Za-z0-9-]{1,64})[ \t]{1,8}(?!-))/g;
const quotedValue = /(\\{0,3})(["'`])(?:[^"'`\\\n]|(?!\2)["'`]|\\[^\n])*?\1\2/y;
const restOfLine = /[^\n"]*/y;
const wordValue =
  /(?:(?:bearer|basic|token|digest|negotiate|apikey|splunk|aws4-hmac-sha256)\s{1,8})?[^\s,;&"'`<>)}\]\\]+/iy;

function maskPairs(text: string): string {
  let result = '';
  let position = 0;
  pairStart.lastIndex = 0;
  for (let match = pairStart.exec(text); match !== null; match = pairStart.exec(text)) {
    const [whole, name = '', separator = ''] = match;
    if (!isSecretName(name)) continue;
    const start = match.index + whole.length;
    // `volume "db-secret" : secret "x" not found` is a sentence, `"password" : "x"` (Jackson) a pair.
    if (/^\\*["'] /.test(separator) && !/["'\\]/.test(text[start] ?? '')) continue;
    const length = valueLength(text, start, name);
    if (length === 0) continue;
    const quote = /^\\{0,3}["'`]/.exec(text.slice(start, start + 4))?.[0] ?? '';
    const closed = quote !== '' && text.startsWith(quote, start + length - quote.length) ? quote : '';
    result += `${text.slice(position, start)}${closed}${mask}${closed}`;
    position = start + length;
    pairStart.lastIndex = position;
  }
  return result + text.slice(position);
}

/**
 * How many characters of the value at `start` to mask; 0 where it holds no secret. A value that is passed over is looked at
 * only briefly: the text behind it is searched again, so long looks would make the time quadratic.
 */
function valueLength(text: string, start: number, name: string): number {
  const quoted = matchAt(quotedValue, text, start);
  if (quoted !== undefined) return isHarmless(quoted.replace(/^\\*["'`]|\\*["'`]$/g, ''), name) ? 0 : quoted.length;
  if (beginsStructure.test(text[start] ?? '')) return 0;
  const value = matchAt(/^(?:set-)?cookie$/i.test(name) ? restOfLine : wordValue, text, start) ?? '';
  return isHarmless(value, name) ? 0 : value.length;
}

/** A list or an object: its members have names of their own. */
const beginsStructure = /^[[{]/;

function isHarmless(value: string, name: string): boolean {
  if (/^(?:null|nil|none|true|false|undefined|\*+|<[^>]*>|x{3,})?$/i.test(value) || beginsStructure.test(value))
    return true;
  // Counts and limits: `tokens: 4096`, `pass: 12`.
  return /tokens$|^pass$|passed$/i.test(name) && /^[0-9]{1,9}$/.test(value);
}

interface KnownForm {
  readonly pattern: RegExp;
  readonly replacement: string;
}

const whole = (source: string, flags = 'g'): KnownForm => ({
  pattern: new RegExp(`(?<![A-Za-z0-9_-])(?:${source})`, flags),
  replacement: mask,
});

/** Every pattern begins at the edge of a word, so that a long run of letters is tried once. */
const knownForms: readonly KnownForm[] = [
  // user:password in URLs and in Go's MySQL form.
  {
    pattern: /(?<![a-z0-9+.-])([a-z][a-z0-9+.-]{1,30}:\/\/[^\s/:@"'<>]{0,256}:)[^\s/"'<>]{1,512}@/gi,
    replacement: `$1${mask}@`,
  },
  { pattern: /(?<![\w.-])([\w.-]{1,64}:)[^\s@:/]{1,256}@(?=(?:tcp|unix)\()/g, replacement: `$1${mask}@` },
  { pattern: /(?<![\w-])((?:-u|--user)[ =]["']?[^\s:"']{1,128}:)[^\s"']{1,256}/g, replacement: `$1${mask}` },
  // Headers without a name before them.
  {
    pattern: /(?<![A-Za-z])(bearer|basic)(\s{1,4})(?=[A-Za-z0-9+/._~-]*[0-9A-Z+/_~=])[A-Za-z0-9+/._~-]{12,}={0,2}/gi,
    replacement: `$1$2${mask}`,
  },
  // JSON Web Tokens (RFC 7519), ServiceAccount tokens among them; the signature may be cut off.
  whole('eyJ[A-Za-z0-9_-]{6,}\\.[A-Za-z0-9_-]{6,}(?:\\.[A-Za-z0-9_-]*)?'),
  whole('(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Z0-9])'),
  whole('AIza[A-Za-z0-9_-]{35}'),
  whole('ya29\\.[A-Za-z0-9_-]{20,}'),
  whole('gh[pousr]_[A-Za-z0-9]{30,}'),
  whole('github_pat_[A-Za-z0-9_]{22,}'),
  whole('gl(?:pat|dt|rt|ptt|cbt|oas|soat)-[A-Za-z0-9_.-]{20,}'),
  whole('xox[abeoprs]-[A-Za-z0-9-]{10,}'),
  whole('xapp-[A-Za-z0-9-]{10,}'),
  { pattern: /(hooks\.slack\.com\/(?:services|workflows|triggers)\/)[A-Za-z0-9/_-]{10,}/g, replacement: `$1${mask}` },
  // OpenAI and Anthropic.
  whole('sk-(?:ant-|proj-|svcacct-|admin-|or-)?[A-Za-z0-9_-]{20,}'),
  whole('[rsp]k_(?:live|test)_[A-Za-z0-9]{10,}'),
  whole('whsec_[A-Za-z0-9+/=]{16,}'),
  whole('npm_[A-Za-z0-9]{30,}'),
  whole('pypi-[A-Za-z0-9_-]{40,}'),
  whole('hf_[A-Za-z0-9]{30,}'),
  whole('SG\\.[A-Za-z0-9_-]{16,}\\.[A-Za-z0-9_-]{16,}'),
  whole('hv[sbr]\\.[A-Za-z0-9_-]{20,}'),
  whole('do[opr]_v1_[a-f0-9]{40,}'),
  whole('AGE-SECRET-KEY-1[A-Z0-9]{40,}'),
  whole('[0-9]{8,10}:AA[A-Za-z0-9_-]{33}'),
  { pattern: /\$2[abxy]\$[0-9]{2}\$[./A-Za-z0-9]{53}/g, replacement: mask },
];

const longToken = /(?<![A-Za-z0-9+/_=.-])[A-Za-z0-9+/_-]{32,}={0,2}(?![A-Za-z0-9.])/g;

/** High entropy and all three kinds of characters: not a hex digest, a UUID, a path or an object's name. */
function looksRandom(token: string): boolean {
  const sample = token.slice(0, 256);
  const count = (pattern: RegExp): number => sample.match(pattern)?.length ?? 0;
  if (count(/[0-9]/g) < 3 || count(/[A-Z]/g) < 3 || count(/[a-z]/g) < 3) return false;
  return entropy(sample) >= (/[/_-]/.test(sample) ? 4.5 : 4.2);
}

/** Shannon entropy in bits per character. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/**
 * A copy of JSON data with every string redacted, values under secret-like names masked, environment variables and
 * options (`--password`, `x`) included. Names stay.
 */
export function redactObject(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return redactArray(value);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value);
  const named = entries.find(([key, item]) => (key === 'name' || key === 'key') && typeof item === 'string')?.[1];
  return Object.fromEntries(
    entries.map(([key, item]) => {
      const secret = isSecretName(key) || (key === 'value' && typeof named === 'string' && isSecretName(named));
      return [key, secret && typeof item === 'string' && item !== '' ? mask : redactObject(item)];
    }),
  );
}

function redactArray(values: readonly unknown[]): unknown[] {
  return values.map((value, index) => {
    const option = values[index - 1];
    const follows = typeof option === 'string' && /^--?[A-Za-z0-9-]+$/.test(option) && isSecretName(option);
    return follows && typeof value === 'string' && !value.startsWith('-') ? mask : redactObject(value);
  });
}
