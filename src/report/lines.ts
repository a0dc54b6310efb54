import { wrap } from '../lib/wrap.ts';

/** How the lines begin that only a report itself may write, behind what they are indented by. */
const ownParts = new RegExp(
  `^(?:${[
    'FIRING|RESOLVED|LOOKED AT',
    'The alert said:|The cause |No cause was found|Same cause as|Rival cause|Possible, not shown',
    'Asked:|The model says|The model proposes|The model gave',
    'For (?:the same alert|an alert of the same rule) a person|Timeline \\(|\\d\\d:\\d\\d:\\d\\d ',
    'It fired together|It is also about|It also explains|Also broken|Not answered',
    '-> |Log of |What to do|\\d+\\. |Reads only|Undo:',
    '(?:Run|Runbook|Query|Silence|Model|Report):',
    'Confidence$|Findings$|Evidence$|e\\d+ |First step$|Run run/',
  ].join('|')})`,
);

/**
 * {@link wrap} for a report. Whoever writes into an alert or a log chooses where its lines break; a line that text goes on in and
 * that would begin as a part of the report does stands four columns further in, where none of them is.
 */
export function wrapText(text: string, width: number, indent = '', hang = indent): readonly string[] {
  const forges = (line: string, index: number): boolean => index > 0 && ownParts.test(line.trimStart());
  const lines = wrap(text, width, indent, hang);
  if (!lines.some(forges)) return lines;
  // What is moved has to fit as well.
  return wrap(text, width - further.length, indent, hang).map((line, index) =>
    forges(line, index) ? further + line : line,
  );
}

const further = '    ';
