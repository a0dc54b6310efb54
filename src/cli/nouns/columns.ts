import { shortId } from '../../lib/short-id.ts';
import type { Style } from '../../lib/styled.ts';
import type { Column } from '../table.ts';

/** Short ids, as long as tells those of one table apart; `-o wide` shows whole ones. */
export function idColumn<T extends { readonly id: string }>(): Column<T> {
  return {
    heading: 'ID',
    text: (item, items) =>
      shortId(
        item.id,
        items.map(({ id }) => id),
      ),
    whole: (item) => item.id,
  };
}

/** What needs somebody is red, what may is yellow, what is over is green; the word itself says it too. */
export function styleOf(word: string): Style | undefined {
  return styles.get(word);
}

const styles: ReadonlyMap<string, Style> = new Map<string, Style>([
  ['critical', ['bold', 'red']],
  ['warning', 'yellow'],
  ['failed', 'red'],
  ['False', 'red'],
  ['succeeded', 'green'],
  ['sent', 'green'],
  ['resolved', 'green'],
]);
