/**
 * Every function that templates can call, for the reference: names, what it does, an example, and what that gives, with two or
 * more spaces between. A test renders the examples over {@link exampleData} at {@link exampleNow}.
 */
const source = String.raw`
# Text
print  Puts its values together, with a space between two of which neither is text.  print .alert.severity ":" 1 2  critical:1 2
printf  Formats as Go does: %s %d %v %q %.2f %5d %-8s %t %x.  printf "%s has %d of %.1f%%" "pod" 3 12.34  pod has 3 of 12.3%
println  As print with spaces between all, and a line break.  println "a" 1 | quote  "a 1\n"
toUpper upper  In capitals.  upper .alert.severity  CRITICAL
toLower lower  In small letters.  lower "OOMKilled"  oomkilled
title  Each word with a capital.  title "crash looping pod"  Crash Looping Pod
untitle  The first letter of each word small.  untitle "Crash Looping"  crash looping
trim trimSpace  Without spaces at both ends.  trim " web-1 "  web-1
trimAll  Without these characters at both ends.  trimAll "-/" "/shop/"  shop
trimPrefix  Without what it begins with.  trimPrefix "pod/" "pod/web-1"  web-1
trimSuffix  Without what it ends with.  trimSuffix ".local" "db.local"  db
nospace  Without any spaces.  nospace "a b c"  abc
contains  Whether a text holds another.  contains "check" .alert.labels.pod  true
hasPrefix  Whether it begins with another.  hasPrefix "web" "web-1"  true
hasSuffix  Whether it ends with another.  hasSuffix "-1" "web-1"  true
replace  Every place of a text by another.  replace "-" "_" "web-1-a"  web_1_a
repeat  A text so many times.  repeat 3 "ab"  ababab
substr  From one byte to another; a negative end is the end of the text.  substr 0 8 .alert.labels.pod  checkout
trunc  The first bytes, or the last where the number is negative.  trunc -4 "checkout-7d9f"  7d9f
abbrev  At most so many bytes, with ... where it was cut.  abbrev 10 "checkout-7d9f"  checkou...
wrap  Lines of at most so many bytes, broken at spaces.  wrap 10 "container app was killed" | quote  "container\napp was\nkilled"
wrapWith  The same with another line break; a longer word is cut.  wrapWith 6 "/" "container app"  contai/ner/app
indent  Spaces in front of each line.  indent 1 "a\nb" | quote  " a\n b"
nindent  A line break, then indent.  nindent 1 "a" | quote  "\n a"
quote  In double quotes, escaped; nothing for nil.  quote "say \"no\"" 1  "say \"no\"" "1"
squote  In single quotes.  squote "web"  'web'
cat  With spaces between; nil is left out.  cat "pod" .alert.labels.pod .nothing "is down"  pod checkout-7d9f is down
plural  The first text for 1, else the second.  plural "pod" "pods" 2  pods
initials  The first letter of each word.  initials "Crash Loop Back Off"  CLBO
swapcase  Small letters for capitals and the other way round.  swapcase "Web"  wEB
camelcase  Words together, each with a capital.  camelcase "pod_crash_looping"  PodCrashLooping
snakecase  Words in small letters with _ between.  snakecase "KubePodCrashLooping"  kube_pod_crash_looping
kebabcase  Words in small letters with - between.  kebabcase "KubePodCrashLooping"  kube-pod-crash-looping
toString  A value as text.  toString 5 | quote  "5"
safeHtml safeUrl  The text as it is: templates here make text.  safeHtml "<b>"  <b>
# Parts of text
splitList  The parts between separators, as a list.  splitList "/" "pod/shop/web-1"  [pod shop web-1]
split  The same as a map: _0, _1, ...  (split "/" "pod/shop/web-1")._2  web-1
splitn  At most so many parts; the last holds the rest.  (splitn "/" 2 "pod/shop/web-1")._1  shop/web-1
join  The members of a list with a separator between.  join ", " (list "a" "b" 3)  a, b, 3
toStrings  A list of texts, without nil.  toStrings (list 1 "a") | toJson  ["1","a"]
# Regular expressions (RE2)
match  Whether it matches; an expression that is wrong is an error.  match "^check" .alert.labels.pod  true
regexMatch  The same; an expression that is wrong is false.  regexMatch "^web" .alert.labels.pod  false
mustRegexMatch  As match.  mustRegexMatch "f$" .alert.labels.pod  true
reReplaceAll  Replaces what matches: expression, replacement, text (Prometheus’ order).  reReplaceAll "-[a-z0-9]+$" "" .alert.labels.pod  checkout
regexReplaceAll  The same: expression, text, replacement (Sprig’s order).  regexReplaceAll "(.*)-(.*)" .alert.labels.pod "$2 of $1"  7d9f of checkout
regexReplaceAllLiteral  The same without $1.  regexReplaceAllLiteral "a" "banana" "$1"  b$1n$1n$1
regexFind  The first match, or nothing.  regexFind "[0-9]+" "exit 137"  137
regexFindAll  At most so many matches, all with -1.  regexFindAll "[0-9]+" "exit 137, 2 restarts" -1  [137 2]
regexSplit  The parts between matches, at most so many, all with -1.  regexSplit "[,;] *" "a, b;c" -1  [a b c]
regexQuoteMeta  A text as an expression that matches only it.  regexQuoteMeta "1.2"  1\.2
# Numbers
add  The sum, in whole numbers.  add 1 2 3  6
add1  One more.  add1 41  42
sub  The difference.  sub 5 7  -2
mul  The product.  mul 2 3 4  24
div  The quotient, cut.  div 7 2  3
mod  The rest.  mod 7 2  1
max biggest  The largest.  max 3 9 4  9
min  The smallest.  min 3 9 4  3
addf  The sum of numbers with a fraction.  addf 0.1 0.2  0.3
add1f  One more.  add1f 1.5  2.5
subf  The difference.  subf 1.5 0.2  1.3
mulf  The product.  mulf 0.975 100  97.5
divf  The quotient.  divf 10 4  2.5
maxf  The largest.  maxf 1.5 "2.5"  2.5
minf  The smallest.  minf 1.5 "2.5"  1.5
round  To so many digits behind the point.  round 12.3456 2  12.35
ceil  Up to a whole number.  ceil 1.2  2
floor  Down to a whole number.  floor 1.8  1
int  A whole number from a number or text; 0 where it is none.  int "42"  42
int64  The same.  int64 4.9  4
float64  A number with a fraction; 0 where it is none.  float64 "4.5"  4.5
atoi  A whole number from decimal text; 0 where it is none.  add (atoi "12") 1  13
until  A list from 0 up to a number, without it.  until 3  [0 1 2]
untilStep  A list from, up to, by.  untilStep 0 10 4  [0 4 8]
seq  Numbers as text, as the command of that name.  seq 2 5  2 3 4 5
# Comparing and deciding
eq  Equal to one of the others.  eq .alert.severity "warning" "critical"  true
ne  Not equal.  ne .alert.severity "info"  true
lt  Less.  lt 1 2  true
le  Less or equal.  le 2 2  true
gt  Greater.  gt 1 2  false
ge  Greater or equal.  ge 2 2  true
and  The first that is empty, else the last.  and .alert.severity .nothing | default "no"  no
or  The first that is not empty.  or .nothing .alert.severity  critical
not  Whether it is empty.  not .nothing  true
default  The first where the second is empty.  .nothing | default "unknown"  unknown
coalesce  The first that is not empty.  coalesce .nothing "" "web"  web
ternary  The first where the last is true, else the second.  ternary "fires" "ended" (eq .alert.status "firing")  fires
empty  Whether it is empty: nothing, "", 0, false, no members.  empty .nothing  true
all  Whether none is empty.  all 1 "a" true  true
any  Whether one is not empty.  any 0 "" "a"  true
required  The value; fails with the text where it is nothing or "".  required "the alert has no pod" .alert.labels.pod  checkout-7d9f
fail  Fails the rendering with the text.  fail "no pod"  the error "no pod"
kindOf  The kind of a value.  kindOf .alert.labels  map
kindIs  Whether it is of a kind.  kindIs "map" .alert.labels  true
typeOf  The type of a value.  typeOf 1.5  float64
typeIs  Whether it is of a type.  typeIs "string" .alert.severity  true
typeIsLike  The same, or a pointer to it.  typeIsLike "string" .alert.severity  true
deepEqual  Whether two values are the same, all the way down.  deepEqual (list 1 2) (list 1 2)  true
# Lists
list tuple  A list of the values.  list 1 "a"  [1 a]
stringSlice  A list of texts.  stringSlice "a" "b"  [a b]
first  The first member.  first (list "a" "b")  a
last  The last member.  last (list "a" "b")  b
rest  All but the first.  rest (list 1 2 3)  [2 3]
initial  All but the last.  initial (list 1 2 3)  [1 2]
append  With members behind.  append (list 1 2) 3  [1 2 3]
push  With one member behind.  push (list 1 2) 3  [1 2 3]
prepend  With one member in front.  prepend (list 1 2) 0  [0 1 2]
concat  Lists one behind the other.  concat (list 1) (list 2 3)  [1 2 3]
reverse  The other way round.  reverse (list 1 2 3)  [3 2 1]
uniq  Each member once.  uniq (list 1 2 1)  [1 2]
without  Without these members.  without (list 1 2 3) 2  [1 3]
has  Whether a list has a member.  has 2 (list 1 2 3)  true
compact  Without empty members.  compact (list 1 0 "" "a")  [1 a]
chunk  Lists of at most so many members.  chunk 2 (list 1 2 3)  [[1 2] [3]]
sortAlpha  Sorted as text.  sortAlpha (list "b" "a")  [a b]
len  How many members, or bytes of a text.  len (list 1 2 3)  3
index  A member by its place or name.  index .alert.labels "pod"  checkout-7d9f
slice  A part of a list or text.  slice (list 1 2 3 4) 1 3  [2 3]
# Maps
dict  A map of names and values.  dict "a" 1 "b" 2  map[a:1 b:2]
get  A member, or "".  get .alert.labels "pod"  checkout-7d9f
hasKey  Whether there is such a member.  hasKey .alert.labels "node"  false
dig  A member of maps in maps, or the default.  dig "labels" "node" "no node" .alert  no node
keys  The names, sorted.  keys .alert.labels  [alertname namespace pod severity]
values  The values, by the order of the names.  values (dict "b" 2 "a" 1)  [1 2]
pluck  The values of one name in several maps.  pluck "a" (dict "a" 1) (dict "a" 2)  [1 2]
pick  Only these members.  pick .alert.labels "pod" "namespace"  map[namespace:shop pod:checkout-7d9f]
omit  All but these members.  omit .alert.labels "alertname" "severity"  map[namespace:shop pod:checkout-7d9f]
set  Sets a member. A map of the data is copied first.  set (dict "a" 1) "b" 2  map[a:1 b:2]
unset  Takes a member out. A map of the data is copied first.  unset (dict "a" 1 "b" 2) "a"  map[b:2]
merge  Fills what is missing or empty in the first from the others.  merge (dict "a" 1) (dict "a" 2 "b" 3)  map[a:1 b:3]
mergeOverwrite  The same; the later wins.  mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3)  map[a:2 b:3]
deepCopy  A copy all the way down.  deepCopy (dict "a" (list 1))  map[a:[1]]
# Times and durations
now  The moment of the delivery or step.  now  2026-03-01 11:45:07 +0000 UTC
date  A time by Go’s layout.  .alert.startsAt | date "Jan 2 15:04"  Mar 1 10:15
tz  A time in a time zone.  .alert.startsAt | tz "Asia/Tokyo" | date "15:04"  19:15
dateInZone date_in_zone  Both at once; UTC where the zone is unknown.  dateInZone "15:04" .alert.startsAt "Asia/Tokyo"  19:15
htmlDate  The day.  htmlDate .alert.startsAt  2026-03-01
htmlDateInZone  The day in a time zone.  htmlDateInZone .alert.startsAt "Asia/Tokyo"  2026-03-01
toDate  A time from text by a layout; the year 1 where it does not fit.  toDate "2006-01-02" "2026-03-01"  2026-03-01 00:00:00 +0000 UTC
mustToDate  The same; fails where it does not fit.  (mustToDate "02.01.2006" "01.03.2026").Unix  1772323200
dateModify date_modify  A time so much later (Go’s durations: 1h30m).  .alert.startsAt | dateModify "-1h" | date "15:04"  09:15
mustDateModify must_date_modify  The same; fails where that is no duration.  .alert.startsAt | mustDateModify "24h" | htmlDate  2026-03-02
unixEpoch  Seconds since 1970, as text.  unixEpoch .alert.startsAt  1772360107
since  How long ago, as a duration.  since .alert.startsAt  1h30m0s
ago  The same as text, in whole seconds.  ago .alert.startsAt  1h30m0s
duration  Seconds as Go prints a duration.  duration "5400"  1h30m0s
durationRound  The largest unit of a duration.  durationRound (since .alert.startsAt)  1h
parseDuration  Seconds of a duration as Prometheus writes it.  parseDuration "1h30m"  5400
parseDurationTime  The same as a duration, for .Add.  (now.Add (parseDurationTime "1d")).Format "2006-01-02"  2026-03-02
toTime  A time from seconds since 1970.  toTime 1772360107  2026-03-01 10:15:07 +0000 UTC
toDuration  A duration from seconds.  toDuration 90  1m30s
# For people, as Prometheus has it
humanize  With a unit of thousands.  humanize 1234567  1.235M
humanize1024  With a unit of 1024.  humanize1024 1073741824 | printf "%sB"  1GiB
humanizePercentage  A ratio in per cent.  humanizePercentage 0.0342  3.42%
humanizeDuration  Seconds as days, hours, minutes, seconds.  since .alert.startsAt | humanizeDuration  1h 30m 0s
humanizeTimestamp  Seconds since 1970 as a time.  humanizeTimestamp 1772360107  2026-03-01 10:15:07 +0000 UTC
stripPort  A host without its port.  stripPort "web-1.example.com:9090"  web-1.example.com
stripDomain  A host without its domain.  stripDomain "web-1.example.com:9090"  web-1:9090
label  A label of an alert, or of a map with labels.  label "pod" .alert  checkout-7d9f
value  The field value of a map.  value (dict "value" 1.5)  1.5
strvalue  The label __value__.  strvalue (dict "labels" (dict "__value__" "up"))  up
sortByLabel  A list sorted by a label of its members.  (first (sortByLabel "pod" (list .alert))).labels.pod  checkout-7d9f
args  A map arg0, arg1, ... for template.  args "a" "b"  map[arg0:a arg1:b]
# JSON, YAML, encodings
toJson toJSON  JSON, with <, > and & escaped.  toJson (dict "a" "<b>")  {"a":"\u003cb\u003e"}
toRawJson  JSON as it is.  toRawJson (dict "a" "<b>")  {"a":"<b>"}
toPrettyJson  JSON on several lines.  toPrettyJson (dict "a" 1) | fromJson  map[a:1]
fromJson  A value from JSON; nothing where it is none.  (fromJson "{\"a\": [1, 2]}").a  [1 2]
mustFromJson  The same; fails where it is none.  (mustFromJson "[1, 2]") | len  2
toYaml  YAML, as Helm writes it.  toYaml (dict "a" 1 "b" (list "x")) | quote  "a: 1\nb:\n- x"
html  Escaped for HTML.  html "a < b"  a &lt; b
js  Escaped for JavaScript.  js "it's"  it\'s
urlquery urlQueryEscape  Escaped for a query of a URL.  urlquery "a b&c"  a+b%26c
urlUnescape  The other way round.  urlUnescape "a+b%26c"  a b&c
b64enc  Base64.  b64enc "web-1"  d2ViLTE=
b64dec  From base64; says what is wrong where it is none.  b64dec "d2ViLTE="  web-1
base64encode  Base64 for URLs (Alertmanager’s).  base64encode "a?>"  YT8-
base64decode  From base64 for URLs; fails where it is none.  base64decode "YT8-"  a?>
sha1sum  SHA-1, in hexadecimal digits.  sha1sum "web" | trunc 8  ca84d134
sha256sum  SHA-256.  sha256sum "web" | trunc 8  4b5e57f6
sha512sum  SHA-512.  sha512sum "web" | trunc 8  cbead8fe
`;

export interface FunctionDoc {
  /** The name, and others of the same function. */
  readonly names: readonly string[];
  readonly does: string;
  /** The text between the braces. */
  readonly example: string;
  readonly gives: string;
}

/** The functions by family, in the order of the reference. */
export function functionDocs(): ReadonlyMap<string, readonly FunctionDoc[]> {
  const families = source.split(/^# /m).slice(1);
  return new Map(
    families.map((family) => {
      const [title = '', ...lines] = family.trim().split('\n');
      return [title, lines.map(docOf)] as const;
    }),
  );
}

function docOf(line: string): FunctionDoc {
  const [names = '', does = '', example = '', gives = ''] = line.split(/ {2,}/);
  return { names: names.split(' '), does, example, gives };
}

/** The delivery of the examples, as far as they look at it. */
export const exampleData = {
  alert: {
    alertname: 'KubePodCrashLooping',
    status: 'firing',
    severity: 'critical',
    labels: { alertname: 'KubePodCrashLooping', namespace: 'shop', pod: 'checkout-7d9f', severity: 'critical' },
    annotations: { summary: 'Pod is crash looping' },
    startsAt: '2026-03-01T10:15:07Z',
  },
};

/** The clock of the examples. */
export const exampleNow = '2026-03-01T11:45:07Z';
