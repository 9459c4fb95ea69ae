import type { Language } from "./languages.ts";

/**
 * Words by which a few words are recognised: frequent ones, of one of our languages and not of the other, and as far as
 * possible of none near them. None of our own commands is among them.
 */
export const COMMON_WORDS: Readonly<Record<Language, ReadonlySet<string>>> = {
  en: wordsOf(`
    the and you your you're i'm it's what what's who who's why how when where which are can't could would should
    does did don't please thanks thank hello hey yes about this that these those there here my mine tell write explain
    show give need know say more good morning evening again joke translate because with without from sorry want make great nice have right they she our`),
  de: wordsOf(`
    der das ein eine einen einem und oder nicht ich wir ihr mir mich dir dich ist sind bist wer wie wann warum wieso
    kannst kann könntest hast habe hab haben gibt geht geht's bitte danke hallo nein guten abend tag auf für über
    mit noch nochmal einmal mehr weiter erzähl erzähle erklär erkläre schreib schreibe zeig zeige hilf heißt mal auch
    dann weil ohne kurz moin servus übersetze übersetz hilfe schön sehr gerne heute jetzt kein keine keinen etwas machst machen willst
    sollst möchte möchtest brauche brauch verstehe verstehst sage aber wenn dass schon doch von zum zur dem wo welche
    welcher welches funktioniert funktionierst hilfreich falsch richtig deutsch tschüss grüß`),
};

/** Those of them that are words, names or abbreviations elsewhere, too: one alone tells nothing. */
export const AMBIGUOUS_WORDS: Readonly<Record<Language, ReadonlySet<string>>> = {
  en: wordsOf(`
    the and it about hey mine tell show give good joke from want make great nice right have they she our say more are
    this that sorry`),
  de: wordsOf(`
    der das ein dem ist mit von tag mal wo wer sage kurz gut auf`),
};

function wordsOf(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/));
}
