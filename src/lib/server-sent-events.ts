/** One block of an event stream (HTML, 9.2). */
export interface ServerEvent {
  /** Of the last `id:` so far; empty where there was none. */
  readonly id: string;
  /** `message` unless `event:` says otherwise. */
  readonly type: string;
  /** Empty for a comment or a block that only has a position. */
  readonly data: string;
  /** The last `retry:` so far. */
  readonly retryMs: number | undefined;
}

/** Takes a text/event-stream apart, in whatever pieces it comes. A block that is not whole at the end is dropped. */
export async function* parseServerEvents(chunks: AsyncIterable<string>): AsyncIterable<ServerEvent> {
  let [rest, id, type] = ['', '', ''];
  let retryMs: number | undefined;
  let data: string[] = [];
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split(/\r\n|\n|\r(?=.)/s);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line) ?? [];
      if (line === '') {
        yield { id, type: type === '' ? 'message' : type, data: data.join('\n'), retryMs };
        type = '';
        data = [];
      } else if (name === 'data') data.push(value);
      else if (name === 'event') type = value;
      else if (name === 'id' && !value.includes('\0')) id = value;
      else if (name === 'retry' && /^\d{1,6}$/.test(value)) retryMs = Number(value);
    }
  }
}
