import type { Random } from './random.ts';

/** Pieces of shell scripts, values among them. */
const pieces = [
  `{{ .x }}|{{ .x }}|{{ .x }}|"{{ .x }}"|'{{ .x }}'|$x|"$x"|\${x}|"\${y}"|\${|\${!|-|*|~|#|$|a|1`,
  'echo|echo|printf|%s|test|[|]|true|cat|f|read|-r|set|-e|exit|wait|tee|sort|basename',
  'kubectl|get|pod|--|-n|grep|jq|--arg|awk|sed|curl|http://127.0.0.1:9/|-d|=|-eq|-v',
  'x|y|x=|y=|echo=|true=|f=|IFS=|x[|+=|(|)|((|))|$(|"$(|)"|$((|$[|[[|]]|=(|@(',
  '{|}|{a,|if|then|else|fi|for|in|do|done|while|until|case|esac|select|function|f()',
  `&&|;|;;|\n|&|!|>|<|>>|2>|&1|>f|<f|<<E|<(|>(|\\|\\\n|"|'|\`|$"|$'`,
  'eval|sh|-c|.|exec|time|coproc',
]
  .flatMap((line) => line.split('|'))
  .concat('|', '|', '||');
const gaps = ['', ' ', ' ', ' ', ' ', '  '];

/** A script that nobody would write, with a value in it. */
export function randomCommand(random: Random): string {
  let text = '';
  for (let count = random.between(3, 14); count > 0; count -= 1) text += random.pick(pieces) + random.pick(gaps);
  return text.includes('{{') ? text : `${text} {{ .x }}`;
}
