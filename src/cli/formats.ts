import { AppError } from '../core/errors.ts';
import { parseJsonPath, parseTemplate, textOf } from '../lib/jsonpath.ts';
import { nextOfUnknown } from '../lib/similar.ts';
import type { Column } from './table.ts';

/** Words of `-o` for what is listed. */
export const listFormats = ['table', 'wide', 'json', 'yaml', 'name', 'jsonl'] as const;

/** How a list is printed: a word, or what was made of `jsonpath=` and `custom-columns=`. */
export type ListFormat =
  | { readonly as: (typeof listFormats)[number] }
  | { readonly as: 'template'; render(value: unknown): string }
  | { readonly as: 'columns'; readonly columns: readonly Column<unknown>[] };

/** Of `-o`, for its help. */
export const listFormatText =
  'table, wide, json, yaml, name, jsonl, jsonpath=TEMPLATE or custom-columns=HEADING:PATH,...';

/** Reads `-o`. Throws InvalidInput with what there is, and where a JSONPath is wrong. */
export function readListFormat(text: string): ListFormat {
  const word = listFormats.find((format) => format === text);
  if (word !== undefined) return { as: word };
  const [, name = '', argument = ''] = /^([a-z-]+)=(.*)$/s.exec(text) ?? [];
  if (name === 'jsonpath') return { as: 'template', render: parseTemplate(argument) };
  if (name === 'custom-columns') return { as: 'columns', columns: customColumns(argument) };
  const known = [...listFormats, 'jsonpath', 'custom-columns'];
  throw new AppError(
    'InvalidInput',
    `-o ${text} is not one of ${listFormats.join('|')}|jsonpath=TEMPLATE|custom-columns=HEADING:PATH`,
    { field: '-o', next: nextOfUnknown(text.split('=')[0] ?? '', known, `-o ${listFormats[0]}`, '-o ') },
  );
}

/** `ID:.id,NAME:.labels.app`, as kubectl takes them; a comma in brackets parts nothing. */
function customColumns(text: string): readonly Column<unknown>[] {
  const columns = text.split(/,(?![^[]*\])/).map((part) => {
    const at = part.indexOf(':');
    if (at < 1 || at === part.length - 1)
      throw new AppError('InvalidInput', `custom-columns: ${part === '' ? 'nothing' : part} is not HEADING:PATH`, {
        field: '-o',
        next: `-o custom-columns='ID:.id,STATUS:.status'`,
      });
    const path = parseJsonPath(part.slice(at + 1));
    return {
      heading: part.slice(0, at),
      text: (item: unknown) => path(item).map(textOf).join(',') || '<none>',
      cut: 8,
    };
  });
  return columns;
}
