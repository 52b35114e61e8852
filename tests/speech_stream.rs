//! Streams: the same samples however they are asked for, nothing lost, no clicks.

mod speech;

use syrinx::text::{Dialect, FrontEnd};
use syrinx::{Engine, MarkKind, SpeechChunk, SpeechRequest, SpeechStream};

const TEXT: &str = "The harbour was quiet in the morning. Nobody had told the gulls, \
    who argued over a crust of bread. Then the ferry came round the point!";

fn chunks(request: &SpeechRequest, text: &str) -> Vec<SpeechChunk> {
    request.stream(text).unwrap().map(Result::unwrap).collect()
}

#[test]
fn the_types_can_be_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Engine>();
    shared::<syrinx::Voice>();
    shared::<SpeechRequest>();
    sent::<SpeechStream>();
}

#[test]
fn the_same_seed_gives_the_same_samples_whatever_the_chunks() {
    let request = speech::request().seed(7);
    let whole = speech::wave(&request, TEXT);
    for chunk_ms in [25, 110, 4000] {
        let other = speech::wave(&request.clone().chunk_ms(chunk_ms), TEXT);
        assert_eq!(other.len(), whole.len());
        assert!(
            speech::largest_difference(&other, &whole) == 0.0,
            "{chunk_ms} ms: {}",
            speech::largest_difference(&other, &whole)
        );
    }
    let other = speech::wave(&request.seed(8), TEXT);
    assert!(
        speech::largest_difference(&other, &whole) > 0.01,
        "the seed must matter"
    );
}

#[test]
fn the_same_seed_gives_the_same_samples_whatever_the_threads() {
    let by = |threads| {
        let engine = Engine::builder()
            .weights(speech::folder())
            .threads(threads)
            .build()
            .unwrap();
        assert_eq!(engine.threads(), threads);
        speech::wave(&engine.speech(&engine.voice("Hum").unwrap()), TEXT)
    };
    assert!(by(1) == by(2));
}

#[test]
fn one_engine_speaks_in_many_threads_at_once() {
    let request = speech::request();
    let alone = speech::wave(&request, TEXT);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || speech::wave(&request, TEXT))
        })
        .collect();
    for thread in threads {
        assert!(thread.join().unwrap() == alone);
    }
}

#[test]
fn seams_step_no_more_than_the_inside() {
    let request = speech::request().chunk_ms(200);
    let (mut samples, mut seams) = (Vec::new(), Vec::new());
    for chunk in chunks(&request, TEXT) {
        samples.extend(chunk.audio.into_channels().remove(0));
        seams.push(samples.len());
    }
    seams.pop();
    assert!(seams.len() > 20, "{} seams", seams.len());
    let step = |at: usize| (samples[at] - samples[at - 1]).abs();
    let at_seams = seams.iter().map(|&at| step(at)).fold(0.0, f32::max);
    let inside = (1..samples.len())
        .filter(|at| !seams.contains(at))
        .map(step)
        .fold(0.0, f32::max);
    assert!(inside > 0.01, "nothing was heard: {inside}");
    assert!(at_seams <= inside, "{at_seams} at seams, {inside} inside");
    // The ends of sentences lie in silence.
    assert!(samples[0] == 0.0 && samples[samples.len() - 1].abs() < 1e-3);
}

#[test]
fn marks_are_ordered_and_lie_within_the_audio() {
    let speech = speech::request().say(TEXT).unwrap();
    let end = speech.audio.duration();
    assert_eq!(speech.sentences, 3);
    for kind in [MarkKind::Sentence, MarkKind::Word, MarkKind::Phone] {
        let marks: Vec<_> = speech
            .marks
            .iter()
            .filter(|mark| mark.kind == kind)
            .collect();
        for pair in marks.windows(2) {
            assert!(pair[0].end_s <= pair[1].start_s + 1e-9, "{pair:?}");
            assert!(
                pair[0].span.end <= pair[1].span.start || kind == MarkKind::Phone,
                "{pair:?}"
            );
        }
        assert!(marks.iter().all(|mark| 0.0 <= mark.start_s
            && mark.start_s < mark.end_s
            && mark.end_s <= end + 1e-9));
    }
    let words: Vec<_> = speech
        .marks
        .iter()
        .filter(|mark| mark.kind == MarkKind::Word)
        .collect();
    assert_eq!(words.len(), TEXT.split_whitespace().count());
    for (word, spelled) in words.iter().zip(TEXT.split_whitespace()) {
        assert_eq!(
            &TEXT[word.span.clone()],
            spelled.trim_matches(|c: char| !c.is_alphabetic())
        );
    }
    // Four units of 25 ms for each symbol of "ferry", give or take rounding.
    let ferry = words.iter().find(|word| word.text == "ferry").unwrap();
    assert!(
        (0.3..1.2).contains(&(ferry.end_s - ferry.start_s)),
        "{ferry:?}"
    );
}

#[test]
fn each_mark_comes_with_the_chunk_it_begins_in() {
    let mut start = 0.0;
    for chunk in chunks(&speech::request().chunk_ms(300), TEXT) {
        let end = start + chunk.audio.duration();
        for mark in &chunk.marks {
            assert!(
                mark.start_s >= start - 1e-9 && mark.start_s < end,
                "{mark:?} in {start}..{end}"
            );
        }
        start = end;
    }
}

#[test]
fn short_texts_are_spoken() {
    for text in ["Hi.", "No", "I", "7", "A?", "…ok…"] {
        let speech = speech::request().say(text).unwrap();
        assert!(
            speech.audio.duration() > 0.1 && speech.audio.peak() > 0.01,
            "{text:?}"
        );
        assert_eq!(speech.sentences, 1, "{text:?}");
    }
}

/// 100,000 characters: as many sentences as went in, in order, in memory that stays where it was.
#[test]
fn a_long_text_loses_nothing_and_takes_no_more_memory() {
    let sentence = "Every sentence of this long text is a few words long. ";
    let text = sentence.repeat(100_000usize.div_ceil(sentence.len()));
    let count = text.matches('.').count();
    let expected = FrontEnd::new(Dialect::American).utterances(&*text).count();
    assert_eq!(expected, count);

    let (mut sentences, mut end, mut samples, mut early) = (0, 0, 0, 0);
    for chunk in speech::request().speed(4.0).stream(&*text).unwrap() {
        let chunk = chunk.unwrap();
        assert_eq!(chunk.sentence, sentences);
        samples += chunk.audio.frames();
        if chunk.ends_sentence {
            assert_eq!(text[chunk.span.clone()].trim(), sentence.trim());
            assert!(chunk.span.start >= end);
            end = chunk.span.end;
            sentences += 1;
        }
        if sentences == count / 10 && early == 0 {
            early = peak_kib();
        }
    }
    assert_eq!(sentences, count);
    assert!(samples > count * 24_000 / 2, "{samples} samples");
    let grown = peak_kib() - early;
    assert!(
        grown < 8 << 10,
        "{grown} KiB more at the end than after a tenth"
    );
}

/// Largest resident size so far, KiB; 0 where the system does not tell.
fn peak_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

#[test]
fn lines_are_spoken_as_they_come() {
    let text = "First of all the lines.\n\n...\nAnd the third and last of them.";
    let stream = speech::request()
        .stream_lines(std::io::Cursor::new(text))
        .unwrap();
    let spans: Vec<_> = stream
        .map(Result::unwrap)
        .filter(|chunk| chunk.ends_sentence)
        .map(|chunk| chunk.span)
        .collect();
    let said: Vec<&str> = spans.into_iter().map(|span| text[span].trim()).collect();
    assert_eq!(
        said,
        ["First of all the lines.", "And the third and last of them."]
    );
}

/// A pipe that says something, then fails.
struct Broken(std::io::Cursor<&'static [u8]>);

impl std::io::Read for Broken {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(std::io::ErrorKind::ConnectionReset.into()),
            n => Ok(n),
        }
    }
}

#[test]
fn an_error_in_the_middle_ends_the_stream() {
    let cases: [(&'static [u8], &str); 2] = [
        (
            b"A line that is fine.\nA line that \xff is not.\nOne more.\n",
            "line 2, byte 13",
        ),
        (b"A line.\n", "reset"),
    ];
    for (text, expected) in cases {
        let reader = std::io::BufReader::new(Broken(std::io::Cursor::new(text)));
        let mut stream = speech::request().stream_lines(reader).unwrap();
        let mut heard = 0;
        let error = loop {
            match stream.next() {
                Some(Ok(chunk)) => heard += chunk.audio.frames(),
                Some(Err(error)) => break error.to_string(),
                None => panic!("the error was lost"),
            }
        };
        assert!(heard > 0 && error.contains(expected), "{error}");
        assert!(stream.next().is_none() && stream.next().is_none());
    }
}
