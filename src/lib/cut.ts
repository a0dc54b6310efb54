/** UTF-8 as text of at most so many bytes: cut at a whole character, with a mark that says how much there was. */
export function cutBytes(bytes: Buffer, mostBytes: number): string {
  if (bytes.length <= mostBytes) return bytes.toString('utf8');
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const mark = cutMark(bytes.length);
  return decoder.decode(bytes.subarray(0, mostBytes - mark.length), { stream: true }) + mark;
}

/** Says after cut text how much there was. */
export function cutMark(bytes: number): string {
  return `\n[cut: ${bytes} bytes came]`;
}

/** Whether text has more UTF-8 bytes than that. Most text is judged by its length alone. */
export function isLonger(text: string, mostBytes: number): boolean {
  if (text.length * 3 <= mostBytes) return false;
  return text.length > mostBytes || Buffer.byteLength(text) > mostBytes;
}

/** Text of at most so many characters (UTF-16 units), cut between whole ones, with `…` where something was left out. */
export function cutText(text: string, mostCharacters: number): string {
  if (text.length <= mostCharacters) return text;
  const cut = text.slice(0, mostCharacters - 1);
  const last = cut.charCodeAt(cut.length - 1);
  return `${last >= 0xd800 && last < 0xdc00 ? cut.slice(0, -1) : cut}…`;
}
