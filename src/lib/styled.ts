import { styleText } from 'node:util';

/** Colours and weights of `node:util`. */
export type Style = Parameters<typeof styleText>[0];

/** The text in a colour that was decided on already, so not again by what stdout is. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { validateStream: false });
}
