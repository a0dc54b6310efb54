/** What somebody wants of us. */
export type Wish =
  | { readonly kind: 'help' | 'status' | 'alerts' }
  /** Nothing but a mention. */
  | { readonly kind: 'nothing' }
  /** `isNamed`: it is what the text begins with, so it must be one that is looked at. */
  | { readonly kind: 'object'; readonly object: string; readonly namespace: string | null; readonly isNamed: boolean }
  | { readonly kind: 'alert'; readonly name: string }
  /** Words without an object. */
  | { readonly kind: 'words' };

const verbs = new Set(['investigate', 'check', 'debug', 'why', 'triage']);
const questions: Readonly<Record<string, 'help' | 'status' | 'alerts'>> = {
  help: 'help',
  '?': 'help',
  status: 'status',
  alerts: 'alerts',
};

/**
 * What a text asks for: a word of ours alone, `alert NAME`, or the first `kind/name` in it, with `-n NAMESPACE`. Anything else is words.
 * Pure; the text is read, never run.
 */
export function wishOf(text: string): Wish {
  const all = text.split(' ').filter((word) => word !== '');
  const [first = '', ...others] = all;
  if (first === '') return { kind: 'nothing' };
  const question = questions[first.toLowerCase()];
  if (question !== undefined && others.length === 0) return { kind: question };
  const words = verbs.has(first.toLowerCase()) ? others : all;
  const [head = '', name = ''] = words;
  const alert = /^alert\/(.+)$/i.exec(head)?.[1] ?? (/^alert$/i.test(head) ? name : '');
  if (alert !== '') return { kind: 'alert', name: alert };
  for (const [place, word] of words.entries()) {
    const [, kind, ...names] =
      /^([a-z][a-z.]*)\/([a-z0-9][a-z0-9.-]*?)(?:\/([a-z0-9][a-z0-9.-]*?))?[,.;:?!]*$/i.exec(word) ?? [];
    const [one = '', two] = names;
    if (kind === undefined) continue;
    const namespace = two === undefined ? namespaceIn(words) : one;
    return { kind: 'object', object: `${kind}/${two ?? one}`.toLowerCase(), namespace, isNamed: place === 0 };
  }
  return { kind: 'words' };
}

function namespaceIn(words: readonly string[]): string | null {
  for (const [place, word] of words.entries()) {
    const value =
      /^(?:-n|--namespace)=(.+)$/.exec(word)?.[1] ?? (/^(?:-n|--namespace)$/.test(word) ? words[place + 1] : undefined);
    const name = /^[a-z0-9][-a-z0-9]{0,62}/.exec(value?.toLowerCase() ?? '')?.[0];
    if (name !== undefined) return name;
  }
  return null;
}
