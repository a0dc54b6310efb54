import { textWidth } from './text-width.ts';
import { printable } from './printable.ts';

/**
 * Lines of at most `width` columns, broken at spaces; a longer word stands alone and whole, so that it can be copied. The first
 * line begins with `indent`, the others with `hang`.
 */
export function wrap(text: string, width: number, indent = '', hang = indent): readonly string[] {
  const lines: string[] = [];
  let line = indent;
  let isEmpty = true;
  for (const word of printable(text)
    .split(/\s+/)
    .filter((one) => one !== '')) {
    if (!isEmpty && textWidth(line) + 1 + textWidth(word) > width) {
      lines.push(line);
      line = hang + word;
    } else line = isEmpty ? line + word : `${line} ${word}`;
    isEmpty = false;
  }
  return isEmpty ? lines : [...lines, line];
}
