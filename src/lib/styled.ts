import { styleText } from 'node:util';

/** Colours and weights of `node:util`. */
export type Style = Parameters<typeof styleText>[0];

/** The text in a colour that was decided on already, so not again by what stdout is. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The conventions, as Node reads them too: `FORCE_COLOR` (0 and false are no) wins, then `NO_COLOR`, then whether it is a
 * terminal that has colours.
 */
export function isColourWanted(stream: { readonly isTTY?: boolean }, env: Environment): boolean {
  const { FORCE_COLOR, NO_COLOR, TERM } = env;
  if (FORCE_COLOR !== undefined) return !['0', 'false'].includes(FORCE_COLOR.toLowerCase());
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return stream.isTTY === true && TERM !== 'dumb';
}
