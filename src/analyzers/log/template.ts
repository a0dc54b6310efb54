/** What lines that differ only in numbers, ids and addresses have in common: `GET /cart/# # #ms`. */
export function templateOf(text: string): string {
  return text
    .slice(0, 500)
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '#')
    .replace(/\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{8,}\b/gi, '#')
    .replace(/\d+(?:[.,:]\d+)*/g, '#');
}
