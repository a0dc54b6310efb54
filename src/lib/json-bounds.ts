import { createJsonWalk, isClosing, isOpening, jsonSigns, signTable } from './json-walk.ts';

const signs = signTable(',[]{}');

/**
 * Why a JSON text is refused before it is parsed, or null: JSON.parse of a few megabytes of `{},` takes half a second, one of
 * as much text ten milliseconds. What closes more than it opens is refused too; nothing else is said about whether it is JSON.
 */
export function jsonProblem(
  bytes: Uint8Array,
  bounds: { readonly values: number; readonly depth: number },
): string | null {
  // Every value but the first of a list or an object stands behind a comma.
  let values = 1;
  let depth = 0;
  const { walk } = createJsonWalk(bytes, signs, (_, sign) => {
    if (isClosing(sign)) depth -= 1;
    else if (isOpening(sign)) depth += 1;
    if (sign === jsonSigns.comma || isOpening(sign)) values += 1;
    if (depth < 0) return 'is not JSON';
    if (values > bounds.values) return `has more than ${bounds.values} values`;
    return depth > bounds.depth ? `is more than ${bounds.depth} deep` : null;
  });
  return walk(bytes.length);
}
