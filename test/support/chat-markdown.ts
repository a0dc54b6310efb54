/** What people see of Markdown in a chat: code as it is, and what the chat makes of the rest in ⟦ ⟧. */
export function seenMarkdown(text: string): string {
  return text
    .split(/(```[\s\S]*?```|`[^`\n]+`)/)
    .map((part, index) => (index % 2 === 1 ? part.replace(/^`+\n?|\n?`+$/g, '') : marked(part)))
    .join('');
}

function marked(text: string): string {
  return text
    .replace(/!?\[([^\]]*)\]\(([^)]*)\)/g, '⟦link $2⟧')
    .replace(/(?<!⟦link )\b(?:https?|tg|mailto|javascript):\S+/g, '⟦link $&⟧')
    .replace(/<[@#:!a-z][^>\n]*>|(?<![A-Za-z0-9])@[a-z0-9]+/g, '⟦mention $&⟧')
    .replace(/([*_~]{1,3}|\|\|)(?=\S)([^*_~|\n]*\S)\1/g, '⟦style $2⟧')
    .replace(/:[a-z0-9_+-]*[a-z][a-z0-9_+-]*:/g, '⟦emoji⟧')
    .replace(/^(?:#{1,6} |> |- |\d+\. )/gm, '⟦block⟧');
}
