//! What must hold for every text.

use std::time::Instant;

use proptest::prelude::*;
use std::sync::LazyLock;
use syrinx::text::{Dialect, FrontEnd, Limits, Utterance, Vocabulary};

static FRONT_END: LazyLock<FrontEnd> = LazyLock::new(|| FrontEnd::new(Dialect::American));

fn checked(text: &str) -> Vec<Utterance> {
    let vocabulary = Vocabulary::english();
    let mut out: Vec<Utterance> = Vec::new();
    for u in FRONT_END.utterances(text) {
        let Ok(u) = u else { continue };
        assert!(
            !u.phonemes.is_empty() && u.phonemes.len() <= 200,
            "{}",
            u.phonemes.len()
        );
        let inside = |r: &std::ops::Range<usize>| r.start <= r.end && r.end <= text.len();
        let boundary = |r: &std::ops::Range<usize>| {
            text.is_char_boundary(r.start) && text.is_char_boundary(r.end)
        };
        assert!(inside(&u.span) && boundary(&u.span), "{:?}", u.span);
        for s in &u.phonemes {
            assert!(inside(&s.span) && boundary(&s.span), "{s:?}");
            assert_eq!(vocabulary.id(s.ch), Some(s.id));
        }
        for w in &u.words {
            assert!(
                inside(&w.span) && boundary(&w.span) && w.symbols.end <= u.phonemes.len(),
                "{w:?}"
            );
            assert!(!w.symbols.is_empty(), "{w:?}");
        }
        for d in &u.diagnostics {
            assert!(inside(&d.span) && boundary(&d.span), "{d:?}");
        }
        if let Some(last) = out.last() {
            assert!(
                last.span.end <= u.span.start,
                "{:?} {:?}",
                last.span,
                u.span
            );
        }
        out.push(u);
    }
    out
}

/// Every character that is not white space lies within some utterance.
fn covers(text: &str, utterances: &[Utterance]) {
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace()) {
        assert!(
            utterances.iter().any(|u| u.span.contains(&at)),
            "{c:?} at {at} of {text:?}"
        );
    }
}

/// Every letter and digit lies within some word.
fn speaks(text: &str, utterances: &[Utterance]) {
    let words: Vec<_> = utterances
        .iter()
        .flat_map(|u| u.words.iter().map(|w| w.span.clone()))
        .collect();
    for (at, c) in text
        .char_indices()
        .filter(|(_, c)| c.is_ascii_alphanumeric())
    {
        assert!(
            words.iter().any(|w| w.contains(&at)),
            "{c:?} at {at} of {text:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn anything_is_survived(text in any::<String>()) {
        checked(&text);
        let _ = FRONT_END.ssml(&text).map(|u| u.count());
        let _ = FRONT_END.normalise(&text);
    }

    #[test]
    fn written_soup_is_survived_and_spoken(text in "[a-zA-Z0-9 .,:;!?$%&@#/()'\"\\-+*=\n]{1,120}") {
        let all = checked(&text);
        if !all.is_empty() {
            covers(&text, &all);
        }
        let _ = FRONT_END.ssml(&format!("<speak>{text}</speak>")).map(|u| u.count());
    }

    #[test]
    fn sentences_lose_no_word(text in "([A-Z]?[a-z]{1,12}( |, |\\. |! |; |-|\n|\n\n)){1,20}") {
        let all = checked(&text);
        covers(&text, &all);
        speaks(&text, &all);
    }

    #[test]
    fn numbers_lose_no_digit(text in "([0-9]{1,12}(\\.|,|:|/|-| |%|km|\\$| - |st|x){1,2}){1,12}") {
        let all = checked(&text);
        speaks(&text, &all);
    }
}

#[test]
fn time_grows_with_the_length_only() {
    let texts = [
        "a".repeat(1 << 20),
        "abcdefghijklmnopqrstuvwxy".repeat(1 << 15),
        "1".repeat(1 << 20),
        "1,".repeat(1 << 18),
        "a.".repeat(1 << 18),
        "(".repeat(1 << 20),
        "[".repeat(1 << 19),
        "[a](/".repeat(1 << 17),
        "http://".repeat(1 << 16),
        "@".repeat(1 << 19),
        " ".repeat(1 << 20),
        "\n- ".repeat(1 << 17),
        "1-".repeat(1 << 18),
        "😀".repeat(1 << 17),
        "e\u{301}\u{301}".repeat(1 << 16),
    ];
    for text in texts {
        let start = Instant::now();
        // A megabyte of letters is a day of speech: a share shows the rate.
        let (mut symbols, mut end) = (0, 0);
        for u in FRONT_END.utterances(&text).take(60).flatten() {
            symbols += u.phonemes.len();
            end = u.span.end;
        }
        let seconds = start.elapsed().as_secs_f64();
        let kib = (if end == 0 { text.len() } else { end }) as f64 / 1024.0;
        let head: String = text.chars().take(8).collect();
        assert!(
            seconds < 1.0 + 0.25 * kib,
            "{head:?}: {seconds:.1} s for {kib:.0} KiB, {symbols} symbols"
        );
    }
}

#[test]
fn a_hundred_thousand_characters_stream() {
    let text = "The quick brown fox, having jumped over 12 lazy dogs, rests. ".repeat(1700);
    let mut words = 0;
    let mut end = 0;
    for u in FRONT_END.utterances(&text) {
        let u = u.unwrap();
        assert!(u.span.start >= end);
        end = u.span.end;
        words += u.words.len();
    }
    assert_eq!(words, 11 * 1700);
    assert_eq!(end, text.trim_end().len());
}

#[test]
fn small_limits_hold_too() {
    let front_end = FRONT_END.clone().with_limits(Limits {
        symbols: 30,
        first: 15,
        shortest: 0,
    });
    let text =
        "Incomprehensibilities notwithstanding, antidisestablishmentarianism prevails everywhere.";
    let all: Vec<_> = front_end
        .utterances(text)
        .collect::<Result<_, _>>()
        .unwrap();
    assert!(all.iter().all(|u| u.phonemes.len() <= 30));
    covers(text, &all);
}
