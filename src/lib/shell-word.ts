import { plain } from './printable.ts';

/** Text as one word of a command that a person pastes into a shell, quoted where it has to be, and safe to show. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${plain(text).replaceAll("'", `'\\''`)}'`;
}
