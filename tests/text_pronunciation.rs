//! Heteronyms, function words, unknown words, the user's own readings.

use std::io::Write;

use syrinx::text::{Dialect, Error, FrontEnd, Lexicon, Vocabulary};

#[track_caller]
fn says(text: &str, phonemes: &str) {
    let got = FrontEnd::new(Dialect::American).phonemize(text).unwrap();
    assert!(
        got.contains(phonemes),
        "{text:?}: {got} does not hold {phonemes}"
    );
}

#[test]
fn heteronyms_follow_their_part_of_speech() {
    says("They record a record every week.", "ɹəkˈɔɹd ɐ ɹˈɛkəɹd");
    says("The wind was cold.", "wˈɪnd");
    says("You must wind the clock.", "wˈInd");
    says("How do you use it?", "jˈuz");
    says("It is of no use.", "nˈO jˈus");
    says("Please close the door.", "klˈOz");
    says("They live in a house.", "ðˌA lˈɪv");
    says("It was a live show.", "lˈIv");
    says("I object to that object.", "ˈɑbʤəkt");
    says("I will read the book.", "ɹˈid");
    says("She had read it before.", "ɹˈɛd");
    says("The present was nice.", "pɹˈɛzᵊnt");
    says("They present the prize.", "pɹizˈɛnt");
    says("I used to go.", "jˈust");
}

#[test]
fn function_words_depend_on_what_follows() {
    says("the apple", "ði ˈæpᵊl");
    says("the pear", "ðə pˈɛɹ");
    says("to eat", "tʊ ˈit");
    says("to see", "tə sˈi");
    says("a cat", "ɐ kˈæt");
    says("I am here.", "ˌI ɐm hˈɪɹ");
}

#[test]
fn possessives_contractions_and_compounds() {
    says("John's dogs' bowls", "ʤˈɑnz");
    says("I don't, can't and won't.", "dˈOnt");
    says("half-dozen", "hˌæfdˈʌzᵊn");
    says("YouTube", "jˈutˌub");
}

#[test]
fn acronyms_are_spelled_or_said() {
    says("the FBI", "ˌɛfbˌiˈI");
    says("NASA flew", "nˈæsə");
    says("the U.S.A.", "jˌuˌɛsˈA");
    says("at 5 p.m. sharp", "pˌiˈɛm");
}

#[test]
fn unknown_words_are_always_heard() {
    let vocabulary = Vocabulary::english();
    for dialect in [Dialect::American, Dialect::British] {
        let front_end = FrontEnd::new(dialect);
        for word in [
            "Zorbulate",
            "Morlocks",
            "xkcd",
            "brrrt",
            "Pneumonoultramicroscopicsilicovolcanoconiosis",
            "Tchaikovsky's",
            "smørrebrød",
            "Łódź",
            "Москва",
        ] {
            let p = front_end.phonemize(word).unwrap();
            assert!(
                p.len() > 3 && p.chars().all(|c| vocabulary.contains(c)),
                "{word}: {p}"
            );
        }
    }
    says("zorbulate", "zˈɔɹbjəlˌAt");
}

#[test]
fn british_differs() {
    let british = FrontEnd::new(Dialect::British);
    assert_eq!(british.phonemize("Hello there.").unwrap(), "həlˈQ ðˈɛː.");
    assert_eq!(
        british.phonemize("The bath water.").unwrap(),
        "ðə bˈɑːθ wˈɔːtə."
    );
}

#[test]
fn inline_phonemes_win() {
    says("[Syrinx](/sˈɪɹɪŋks/) sings.", "sˈɪɹɪŋks sˈɪŋz");
    says("[Syrinx](/ˈsɪrɪŋks/) sings.", "sˈɪɹɪŋks");
    says("[Syrinx](/S IH1 R IH0 NG K S/) sings.", "sˈɪɹɪŋks");
    let front_end = FrontEnd::new(Dialect::American);
    let text = "Say [word](/wɜжd/) now.";
    match front_end.phonemize(text) {
        Err(Error::Phonemes { span, problem, .. }) => {
            assert_eq!(&text[span], "[word](/wɜжd/)");
            assert!(problem.contains('ж'));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn lexicon_files_are_read_in_three_forms() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    write!(file, "\u{FEFF}# names\nSyrinx\tsˈɪɹɪŋks\ngif=ɡˈɪf\nKOKORO  K OW1 K AH0 R OW0\nC++\tsˈiplˌʌsplˈʌs\n\n;;; end\n").unwrap();
    let lexicon = Lexicon::open(file.path(), Dialect::American).unwrap();
    assert_eq!(lexicon.len(), 4);
    let front_end = FrontEnd::new(Dialect::American).with_lexicon(lexicon);
    assert_eq!(
        front_end
            .phonemize("Syrinx, Kokoro, a gif and C++.")
            .unwrap(),
        "sˈɪɹɪŋks, kˈOkəɹO, ɐ ɡˈɪf ænd sˈiplˌʌsplˈʌs."
    );
}

#[test]
fn lexicon_errors_name_file_and_line() {
    let bad = |text: &str| {
        Lexicon::parse(text, "my.tsv", Dialect::American)
            .unwrap_err()
            .to_string()
    };
    assert!(bad("ok\tˈOkˈA\nword\tk❓t\n").starts_with("my.tsv:2: word: "));
    assert!(bad("justaword\n").starts_with("my.tsv:1: expected"));
    let missing = Lexicon::open("/no/such/lexicon.tsv", Dialect::American)
        .unwrap_err()
        .to_string();
    assert!(missing.contains("/no/such/lexicon.tsv"));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"a\tb\n\xFF\xFE\n").unwrap();
    let binary = Lexicon::open(file.path(), Dialect::American)
        .unwrap_err()
        .to_string();
    assert!(binary.contains(":2: it is not UTF-8"), "{binary}");
}
