//! A sentence of words to phonemes: tags, context, compounds.

use std::ops::Range;
use std::sync::Arc;

use super::error::{Diagnostic, DiagnosticKind};
use super::glyph::fold_word;
use super::lexicon::Lexicon;
use super::oov::LONGEST_WORD;
use super::pronounce::{Context, Pronouncer};
use super::stress::{self, PRIMARY, Stress};
use super::tagger::Tagger;
use super::token::{Token, TokenKind};

/// A token with its phonemes.
#[derive(Debug, Clone)]
pub(crate) struct Spoken {
    pub text: String,
    pub span: Range<usize>,
    pub phonemes: String,
    /// Whether it is punctuation.
    pub mark: bool,
    /// Whether a space goes before it.
    pub spaced: bool,
}

impl Spoken {
    /// Symbols it takes within an utterance.
    pub fn symbols(&self) -> usize {
        self.phonemes.chars().count() + usize::from(self.spaced)
    }
}

/// A part of a word that the tagger and the dictionary see on its own.
#[derive(Debug)]
struct Part {
    text: String,
    tag: &'static str,
    /// Whether a hyphen stands before it.
    hyphen: bool,
}

/// Gives every token of a sentence its phonemes.
pub(crate) fn phonemes(
    tokens: Vec<Token>,
    tagger: &Tagger,
    pronouncer: &Pronouncer,
    lexicon: Option<&Arc<Lexicon>>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Spoken> {
    let mut parts = tagged_parts(&tokens, tagger);
    let mut context = Context::default();
    let mut out = Vec::with_capacity(tokens.len());
    // Right to left, because function words depend on what follows them.
    for token in tokens.into_iter().rev() {
        let own = parts.pop().unwrap_or_default();
        let read = match &token.kind {
            TokenKind::Mark(mark) => Some(mark.to_string()),
            TokenKind::Phonemes(given) => Some(given.clone()),
            TokenKind::Letters => pronouncer.spell(&fold_word(&token.text)),
            TokenKind::Word => Pronouncer::custom(lexicon, &token.text)
                .or_else(|| compound(&own, pronouncer, lexicon, context)),
        };
        let Some(read) = read
            .map(|p| p.replace('ɾ', "T").replace('ʔ', "t"))
            .filter(|p| !p.is_empty())
        else {
            diagnostics.push(Diagnostic {
                span: token.span,
                kind: DiagnosticKind::UnknownSymbol,
            });
            continue;
        };
        if token.text.chars().count() > LONGEST_WORD && token.kind == TokenKind::Word {
            diagnostics.push(Diagnostic {
                span: token.span.clone(),
                kind: DiagnosticKind::MonsterWord,
            });
        }
        context = context.before(&token.text, &read);
        let mark = !token.is_spoken();
        out.push(Spoken {
            text: token.text,
            span: token.span,
            phonemes: read,
            mark,
            spaced: !mark,
        });
    }
    out.reverse();
    out
}

/// Splits words at hyphens, capitals and contractions and tags the sentence.
fn tagged_parts(tokens: &[Token], tagger: &Tagger) -> Vec<Vec<Part>> {
    let mut words: Vec<&str> = Vec::new();
    // Tag words of each hyphenated piece of each token.
    let mut pieces: Vec<Vec<(&str, Range<usize>)>> = Vec::with_capacity(tokens.len());
    for token in tokens {
        let mut own = Vec::new();
        if token.kind == TokenKind::Word {
            for (i, piece) in token.text.split('-').enumerate() {
                if i > 0 {
                    words.push("-");
                }
                let start = words.len();
                let (base, clitic) = contraction(piece);
                words.extend([base, clitic].into_iter().filter(|w| !w.is_empty()));
                own.push((piece, start..words.len()));
            }
        } else {
            let start = words.len();
            words.push(&token.text);
            own.push((token.text.as_str(), start..start + 1));
        }
        pieces.push(own);
    }
    let tags = tagger.tag(&words);
    let weight = |w: &str| {
        w.chars()
            .map(|c| if c.is_uppercase() { 2 } else { 1 })
            .sum::<usize>()
    };
    pieces
        .into_iter()
        .map(|own| {
            let mut parts = Vec::new();
            for (i, (piece, range)) in own.into_iter().enumerate() {
                // The heaviest of word and clitic names the whole ("don't" is RB, "it's" PRP).
                let mut tag = "NN";
                let mut heaviest = 0;
                for k in range {
                    if weight(words[k]) > heaviest {
                        heaviest = weight(words[k]);
                        tag = tags[k];
                    }
                }
                let camel = camel_parts(piece);
                parts.extend(camel.into_iter().enumerate().map(|(k, text)| Part {
                    text: fold_word(text),
                    tag,
                    hyphen: i > 0 && k == 0,
                }));
            }
            parts
        })
        .collect()
}

/// "don't" as "do" and "n't", "John's" as "John" and "'s".
fn contraction(word: &str) -> (&str, &str) {
    let lower = word.to_ascii_lowercase();
    if lower == "cannot" {
        return word.split_at(3);
    }
    for clitic in ["n't", "'s", "'re", "'ve", "'ll", "'d", "'m"] {
        if lower.ends_with(clitic) && lower.len() > clitic.len() {
            return word.split_at(word.len() - clitic.len());
        }
    }
    (word, "")
}

/// "YouTube" as "You" and "Tube", "iPhone" as "i" and "Phone".
fn camel_parts(word: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut lower = false;
    for (at, c) in word.char_indices() {
        if lower && c.is_uppercase() {
            out.push(&word[start..at]);
            start = at;
        }
        lower = c.is_lowercase();
    }
    out.push(&word[start..]);
    out.retain(|p| !p.is_empty());
    out
}

/// The longest run of parts tried against the dictionary as one word.
const LONGEST_RUN: usize = 5;

fn compound(
    parts: &[Part],
    pronouncer: &Pronouncer,
    lexicon: Option<&Arc<Lexicon>>,
    mut context: Context,
) -> Option<String> {
    let mut read: Vec<(String, usize)> = Vec::new();
    let mut right = parts.len();
    while right > 0 {
        let first = right.saturating_sub(LONGEST_RUN);
        let mut found = None;
        for left in first..right {
            // A run that starts within a camel-case word still joins without its hyphen.
            let text: String = parts[left..right]
                .iter()
                .enumerate()
                .flat_map(|(k, p)| [if p.hyphen && k > 0 { "-" } else { "" }, &p.text])
                .collect();
            let mut tag = "NN";
            let mut heaviest = 0;
            for part in &parts[left..right] {
                if part.text.len() > heaviest {
                    (heaviest, tag) = (part.text.len(), part.tag);
                }
            }
            let known = Pronouncer::custom(lexicon, &text)
                .or_else(|| pronouncer.known(&text, tag, context));
            if let Some(p) = known {
                found = Some((p, left, text));
                break;
            }
        }
        let (phonemes, left, text) = match found {
            Some(found) => found,
            None => {
                let text = &parts[right - 1].text;
                match unknown(text, pronouncer) {
                    Some(p) => (p, right - 1, text.clone()),
                    None => {
                        right -= 1;
                        continue;
                    }
                }
            }
        };
        context = context.before(&text, &phonemes);
        read.push((phonemes, text.chars().count()));
        right = left;
    }
    read.reverse();
    settle_stress(&mut read);
    let out: String = read.into_iter().map(|(p, _)| p).collect();
    (!out.is_empty()).then_some(out)
}

fn unknown(word: &str, pronouncer: &Pronouncer) -> Option<String> {
    match word.strip_suffix("'s").filter(|stem| !stem.is_empty()) {
        Some(stem) => pronouncer.with_s(&unknown(stem, pronouncer)?),
        None => pronouncer.guess(word),
    }
}

/// Of the parts of a compound, the lighter half gives up its primary stress.
fn settle_stress(parts: &mut [(String, usize)]) {
    if let [first, second] = parts
        && first.1 == 1
    {
        second.0 = stress::apply(&second.0, Some(Stress::Demote));
        return;
    }
    let count = parts.len();
    let stressed = parts.iter().filter(|(p, _)| p.contains(PRIMARY)).count();
    if count < 2 || stressed <= count.div_ceil(2) {
        return;
    }
    let mut order: Vec<(bool, usize, usize)> = parts
        .iter()
        .enumerate()
        .map(|(i, (p, _))| (p.contains(PRIMARY), stress::weight(p), i))
        .collect();
    order.sort_unstable();
    for &(_, _, i) in &order[..count / 2] {
        parts[i].0 = stress::apply(&parts[i].0, Some(Stress::Demote));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_apart_at_capitals_and_clitics() {
        assert_eq!(camel_parts("YouTube"), ["You", "Tube"]);
        assert_eq!(camel_parts("NASA"), ["NASA"]);
        assert_eq!(contraction("don't"), ("do", "n't"));
        assert_eq!(contraction("'s"), ("'s", ""));
    }
}
