import { CONFIG, formsOf, type Grammar, type TypedOption } from "./grammar.ts";

const AGENTS = "'(__matrix_agents_agents)'";

/** A script for fish 3 or later. */
export function fishScript(grammar: Grammar): string {
  const taking = (["file", "agent", "value"] as const).flatMap((kind) => formsOf(grammar, kind));
  const places = grammar.places.flatMap(({ after, words, takesAgent }) => [
    ...words.map(
      ({ word, meaning }) =>
        `complete -c matrix-agents -n "__matrix_agents_after '${after}'" -a ${word} -d ${quoted(meaning)}`,
    ),
    ...(takesAgent ? [`complete -c matrix-agents -n "__matrix_agents_after '${after}'" -a ${AGENTS}`] : []),
  ]);
  const reaches = grammar.reaches.flatMap(({ name, options, takesFile }) => [
    ...options.map((option) => `complete -c matrix-agents -n "__matrix_agents_within '${name}'" ${optionOf(option)}`),
    ...(takesFile ? [`complete -c matrix-agents -n "__matrix_agents_within '${name}'" -F`] : []),
  ]);
  return `# fish completion of matrix-agents, made by: matrix-agents completion fish
function __matrix_agents_words
    set -l words
    set -l skip no
    for word in (commandline -opc)[2..]
        if test $skip = yes
            set skip no
            continue
        end
        switch $word
            case ${taking.join(" ")}
                set skip yes
            case '-*'
            case '*'
                set -a words $word
        end
    end
    string join -- ' ' $words
end
function __matrix_agents_after
    test (__matrix_agents_words | string collect -a) = "$argv[1]"
end
function __matrix_agents_within
    set -l words (__matrix_agents_words | string collect -a)
    test "$words" = "$argv[1]"; or string match -q -- "$argv[1] *" "$words"
end
function __matrix_agents_agents
    set -l words (commandline -opc)
    set -l config
    for index in (seq 2 (count $words))
        switch $words[$index]
            case ${CONFIG.join(" ")}
                set config -c (string replace -r '^~' $HOME -- $words[(math $index + 1)])
            case '--config=*'
                set config -c (string replace -r '^--config=' '' -- $words[$index])
        end
    end
    $words[1] completion agents $config 2>/dev/null
end
complete -c matrix-agents -f
${[...places, ...reaches].join("\n")}
`;
}

function optionOf({ word, short, meaning, takes }: TypedOption): string {
  const forms = [...(short === undefined ? [] : [`-s ${short.slice(1)}`]), `-l ${word.slice(2)}`].join(" ");
  const value = { file: " -rF", agent: ` -x -a ${AGENTS}`, value: " -x", nothing: "" }[takes];
  return `${forms}${value} -d ${quoted(meaning)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll(/[\\']/g, "\\$&")}'`;
}
