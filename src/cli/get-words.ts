import { shellWord } from '../lib/shell-word.ts';
import { filterNames, filterText, longFlag } from './nouns/filters.ts';
import type { FilterFlags, FilterName } from './nouns/filters.ts';
import type { AnyNoun } from './nouns/index.ts';

/** Flags of `fist get` that its next command has too. */
export interface RepeatedFlags extends FilterFlags {
  readonly server?: string;
  readonly output: string;
  readonly limit: string;
  readonly continue?: string;
  readonly allNamespaces?: boolean;
  /** False with `--no-headers`. */
  readonly headers: boolean;
}

/** The same command for what comes after this page. A token, or a URL with a password, is not repeated. */
export function nextPage(noun: AnyNoun, flags: RepeatedFlags, cursor: string): string {
  const { server } = flags;
  return [
    `fist get ${noun.plural}`,
    ...filterWords(flags),
    ...(flags.allNamespaces === true ? ['-A'] : []),
    ...(flags.output === 'table' ? [] : [`-o ${shellWord(flags.output)}`]),
    ...(flags.headers ? [] : ['--no-headers']),
    ...(flags.limit === '50' ? [] : [`--limit ${shellWord(flags.limit)}`]),
    ...(server === undefined || server.includes('@') ? [] : [`--server ${shellWord(server)}`]),
    `--continue ${shellWord(cursor)}`,
  ].join(' ');
}

/** Why a list is empty and what to do: only where nothing narrowed it, that there is nothing. */
export function whyEmpty(noun: AnyNoun, flags: RepeatedFlags, answer: unknown): string {
  if (noun.whyEmpty !== undefined) return noun.whyEmpty(answer);
  const words = filterWords(flags);
  if (flags.continue !== undefined) words.push(`--continue ${shellWord(flags.continue)}`);
  if (words.length === 0) return noun.listing.empty;
  // A namespace may come from a file of settings; -A wins over it.
  const all = givenFilters(flags).includes('namespace') ? ' -A' : '';
  return `no ${noun.plural} match ${words.join(' ')}; next: fist get ${noun.plural}${all}`;
}

function filterWords(flags: RepeatedFlags): string[] {
  return givenFilters(flags).flatMap((name) => {
    const value = flags[name];
    if (typeof value === 'boolean') return [longFlag(name)];
    return [value ?? []].flat().map((one) => filterText(name, one));
  });
}

/** The filters that narrow a list; `-A` wins over a namespace. */
export function givenFilters(flags: FilterFlags & Pick<RepeatedFlags, 'allNamespaces'>): readonly FilterName[] {
  return filterNames.filter((name) => {
    const value = flags[name];
    return value !== undefined && value !== false && !(name === 'namespace' && flags.allNamespaces === true);
  });
}
