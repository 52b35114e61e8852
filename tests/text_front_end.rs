//! The front end as a whole: notation, style, chunks, diagnostics.

use syrinx::text::{DiagnosticKind, Dialect, Error, FrontEnd, Limits};

fn american() -> FrontEnd {
    FrontEnd::new(Dialect::American)
}

#[test]
fn agrees_with_the_training_lines() {
    let front_end = american().with_limits(Limits {
        symbols: 1000,
        first: 1000,
        shortest: 1000,
    });
    let (mut words, mut agreed) = (0, 0);
    for line in include_str!("fixtures/text/lines.tsv").lines() {
        let (reference, text) = line.split_once('\t').unwrap();
        let ours = front_end.phonemize(text).unwrap();
        let (a, b): (Vec<_>, Vec<_>) = (reference.split(' ').collect(), ours.split(' ').collect());
        words += a.len();
        agreed += a
            .iter()
            .zip(&b)
            .filter(|(x, y)| x.trim_end_matches('.') == y.trim_end_matches('.'))
            .count();
    }
    assert!(agreed as f64 / words as f64 > 0.985, "{agreed} of {words}");
}

#[test]
fn every_symbol_knows_its_source() {
    let text = "Dr. Smith paid $3.50.";
    let u = american().utterances(text).next().unwrap().unwrap();
    assert_eq!(
        u.phoneme_string(),
        "dˈɑktəɹ smˈɪθ pˈAd θɹˈi dˈɑləɹz ænd fˈɪfti sˈɛnts."
    );
    assert_eq!(u.span, 0..text.len());
    let sources: Vec<&str> = u.words.iter().map(|w| &text[w.span.clone()]).collect();
    assert_eq!(
        sources,
        [
            "Dr.", "Smith", "paid", "$3.50", "$3.50", "$3.50", "$3.50", "$3.50"
        ]
    );
    assert!(
        u.words
            .iter()
            .all(|w| !w.symbols.is_empty() && w.symbols.end <= u.phonemes.len())
    );
    assert_eq!(u.ids().len(), u.phonemes.len() + 2);
}

#[test]
fn nothing_to_say_is_an_error() {
    for text in ["", "   \n ", "...", "?!", "***", "😀", "\u{200B}"] {
        let all: Vec<_> = american()
            .utterances(text)
            .map(|r| r.map(|u| u.phoneme_string()))
            .collect();
        assert!(
            matches!(all.as_slice(), [Err(Error::Empty(_))]),
            "{text:?}: {all:?}"
        );
    }
}

#[test]
fn emoji_are_dropped_and_reported() {
    let u = american()
        .utterances("Nice 👍 work.")
        .next()
        .unwrap()
        .unwrap();
    assert_eq!(u.phoneme_string(), "nˈIs wˈɜɹk.");
    assert_eq!(u.diagnostics[0].kind, DiagnosticKind::Emoji);
    assert_eq!(u.diagnostics[0].span, 5..9);
}

#[test]
fn utterances_stay_within_the_limit_and_lose_nothing() {
    let text = "The committee, which had met every Thursday since the spring, decided after a long and rather heated \
                debate that nothing at all would be decided before the summer; its chairman, an old friend of the \
                family, disagreed loudly, and left without another word to anybody in the room.";
    let front_end = american();
    let all: Vec<_> = front_end
        .utterances(text)
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(all.len() >= 2);
    assert!(all.iter().all(|u| u.phonemes.len() <= 200));
    let words: usize = all.iter().map(|u| u.words.len()).sum();
    assert_eq!(words, text.split_whitespace().count());
    assert_eq!(all[0].span.start, 0);
    assert!(all.windows(2).all(|w| w[0].span.end <= w[1].span.start));
    assert_eq!(all.last().unwrap().span.end, text.len());
}
