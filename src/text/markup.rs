//! What SSML elements may carry: attributes and entities.

use quick_xml::events::BytesStart;

/// The elements understood, for messages.
pub(crate) const SUPPORTED: &str =
    "speak, p, s, break, prosody, emphasis, say-as, phoneme, sub, voice, mark";

/// Names and values of an element's attributes; the error is for the author
/// of the document. Namespaced ones say nothing about the speech and are skipped.
pub(crate) fn attributes(
    e: &BytesStart<'_>,
    element: &str,
) -> Result<Vec<(String, String)>, String> {
    let known: &[&str] = match element {
        "speak" => &["version", "lang", "onlangfailure"],
        "p" | "s" => &["lang"],
        "break" => &["time", "strength"],
        "prosody" => &["rate", "pitch", "volume"],
        "emphasis" => &["level"],
        "say-as" => &["interpret-as", "format", "detail"],
        "phoneme" => &["alphabet", "ph"],
        "sub" => &["alias"],
        "voice" => &["name", "lang", "required"],
        "mark" => &["name"],
        other => {
            return Err(format!(
                "<{other}> is not supported; supported are {SUPPORTED}"
            ));
        }
    };
    let mut out = Vec::new();
    for attribute in e.attributes() {
        let attribute = attribute.map_err(|p| format!("malformed attribute: {p}"))?;
        let key = attribute.key.into_inner();
        if ["xml:", "xmlns", "xsi:"].iter().any(|p| key.starts_with(p)) {
            continue;
        }
        if !known.contains(&key) {
            let known = known.join(", ");
            return Err(format!(
                "<{element}> has no attribute {key:?}; known are {known}"
            ));
        }
        out.push((key.to_owned(), unescape(&attribute.value, key)?));
    }
    Ok(out)
}

fn unescape(value: &str, key: &str) -> Result<String, String> {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        let length = rest[start..]
            .find(';')
            .ok_or_else(|| format!("an & in the attribute {key} must be written &amp;"))?;
        let name = &rest[start + 1..start + length];
        out.push(entity(name).ok_or_else(|| format!("the entity &{name}; is not supported"))?);
        rest = &rest[start + length + 1..];
    }
    out.push_str(rest);
    Ok(out)
}

/// The character an entity or character reference stands for.
pub(crate) fn entity(name: &str) -> Option<char> {
    let number = |digits: &str, radix| {
        let code = u32::from_str_radix(digits, radix).ok()?;
        char::from_u32(code).filter(|&c| c != '\0')
    };
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        n => match n.strip_prefix("#x").or_else(|| n.strip_prefix("#X")) {
            Some(hex) => number(hex, 16),
            None => number(n.strip_prefix('#')?, 10),
        },
    }
}
