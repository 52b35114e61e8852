//! SSML: what is honoured, what is refused.

use syrinx::text::{Dialect, Error, FrontEnd, Utterance};

fn speak(document: &str) -> Result<Vec<Utterance>, Error> {
    let front_end = FrontEnd::new(Dialect::American);
    front_end.ssml(document)?.collect()
}

fn phonemes(inner: &str) -> String {
    let all = speak(&format!("<speak>{inner}</speak>")).unwrap();
    all.iter()
        .map(Utterance::phoneme_string)
        .collect::<Vec<_>>()
        .join(" | ")
}

#[track_caller]
fn refused(document: &str, line: usize, what: &str) {
    match speak(document) {
        Err(Error::Ssml {
            line: at, problem, ..
        }) => {
            assert_eq!(at, line, "{document}: {problem}");
            assert!(problem.contains(what), "{document}: {problem}");
        }
        other => panic!("{document}: {other:?}"),
    }
}

#[test]
fn breaks_set_pauses() {
    let all = speak("<speak>One moment.<break time='1.5s'/>Then, here <break strength=\"weak\"/> again.</speak>").unwrap();
    let pauses: Vec<u32> = all.iter().map(|u| u.pause_after_ms).collect();
    assert_eq!(pauses, [1500, 200, 450]);
    assert!(
        all[1].phoneme_string().ends_with(','),
        "{}",
        all[1].phoneme_string()
    );
}

#[test]
fn prosody_nests_and_ends() {
    let all = speak(
        "<speak>Plain words here. <prosody rate='120%' pitch='+2st'>Faster words. \
         <prosody volume='-6dB'>Quieter words.</prosody></prosody> Plain again.</speak>",
    )
    .unwrap();
    let p: Vec<(f32, f32, f32)> = all
        .iter()
        .map(|u| {
            (
                u.prosody.rate,
                u.prosody.pitch_semitones,
                u.prosody.volume_db,
            )
        })
        .collect();
    assert_eq!(
        p,
        [
            (1.0, 0.0, 0.0),
            (1.2, 2.0, 0.0),
            (1.2, 2.0, -6.0),
            (1.0, 0.0, 0.0)
        ]
    );
}

#[test]
fn say_as_reads_as_told() {
    let as_ = |kind: &str, text: &str| {
        phonemes(&format!("<say-as interpret-as='{kind}'>{text}</say-as>"))
    };
    let same = |kind: &str, text: &str, words: &str| {
        let spoken = FrontEnd::new(Dialect::American).phonemize(words).unwrap();
        assert_eq!(as_(kind, text), spoken, "{kind} {text}");
    };
    same("cardinal", "1995", "one thousand nine hundred ninety five.");
    same("ordinal", "5", "fifth.");
    same("digits", "1995", "one nine nine five.");
    same("telephone", "5551234", "five five five one two three four.");
    same("date", "3/5/2024", "March fifth, twenty twenty four.");
    same("currency", "$3.50", "three dollars and fifty cents.");
    same("unit", "5kg", "five kilograms.");
    same("time", "3:45pm", "three forty five p.m.");
    assert_eq!(
        phonemes("<say-as interpret-as='date' format='dmy'>3/5/2024</say-as>"),
        FrontEnd::new(Dialect::American)
            .phonemize("May third, twenty twenty four.")
            .unwrap()
    );
    assert!(as_("characters", "abc").contains("sˈi"));
    refused(
        "<speak><say-as interpret-as='song'>x</say-as></speak>",
        1,
        "not supported; use one of cardinal",
    );
}

#[test]
fn phoneme_sub_voice_and_mark() {
    assert_eq!(
        phonemes("<phoneme ph='təˈmɑːtoʊ'>tomato</phoneme> soup."),
        "təmˈɑtO sˈup."
    );
    assert_eq!(
        phonemes("<phoneme alphabet='x-misaki' ph='təmˈATO'>tomato</phoneme>."),
        "təmˈATO."
    );
    assert_eq!(
        phonemes("the <sub alias='World Wide Web'>WWW</sub>."),
        phonemes("the World Wide Web.")
    );
    let all = speak("<speak>Hello over there. <voice name='ada'>Good evening to you. <mark name='m'/></voice></speak>").unwrap();
    assert_eq!(all[0].voice, None);
    assert_eq!(all[1].voice.as_deref(), Some("ada"));
}

#[test]
fn spans_point_into_the_document() {
    let document = "<speak>Fish &amp; <sub alias='potatoes'>chips</sub> cost $3.</speak>";
    let all = speak(document).unwrap();
    let sources: Vec<&str> = all[0]
        .words
        .iter()
        .map(|w| &document[w.span.clone()])
        .collect();
    assert_eq!(sources, ["Fish", "&amp;", "chips", "cost", "$3", "$3"]);
}

#[test]
fn comments_and_cdata_are_read_right() {
    assert_eq!(phonemes("one <!-- two --> three."), phonemes("one three."));
    assert_eq!(
        phonemes("<![CDATA[one & three.]]>"),
        phonemes("one and three.")
    );
}

#[test]
fn bad_documents_are_refused_where_they_are_bad() {
    refused("hello", 1, "");
    refused("<p>hello</p>", 1, "must start with <speak>");
    refused(
        "<speak>\n<blink>x</blink></speak>",
        2,
        "supported are speak, p, s",
    );
    refused("<speak>\n\n<p>x</speak>", 3, "malformed XML");
    refused("<speak>x", 1, "<speak> is not closed");
    refused("<speak>a & b</speak>", 1, "");
    refused("<speak>&nbsp;x</speak>", 1, "&nbsp;");
    refused("<speak><break time='5'/></speak>", 1, "break time");
    refused(
        "<speak><prosody rate='wild'>x</prosody></speak>",
        1,
        "prosody rate",
    );
    refused("<speak><phoneme ph='❓'>x</phoneme></speak>", 1, "phonemes");
    refused(
        "<speak><prosody speed='2'>x</prosody></speak>",
        1,
        "no attribute \"speed\"",
    );
    refused("<speak>a</speak><speak>b</speak>", 1, "");
    refused("<speak>a</speak> b", 1, "outside");
}

#[test]
fn attacks_are_refused() {
    let billion =
        "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY lol2 \"&lol;&lol;\">]><speak>&lol2;</speak>";
    refused(billion, 1, "document type");
    refused(
        "<?xml-stylesheet href='x'?><speak>a</speak>",
        1,
        "processing",
    );
    let deep = format!(
        "<speak>{}x{}</speak>",
        "<p>".repeat(1000),
        "</p>".repeat(1000)
    );
    refused(&deep, 1, "deep");
    let big = format!("<speak>{}</speak>", "a ".repeat(3 << 20));
    refused(&big, 1, "limit");
}

#[test]
fn an_empty_document_says_so() {
    assert!(matches!(
        speak("<speak> <break time='1s'/> </speak>"),
        Err(Error::Empty(_))
    ));
}
