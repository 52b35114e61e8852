//! Numbers in words. Everything works on digit strings, so no number is too long.

use crate::text::Dialect;

const ONES: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = [
    "", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
];
const SCALES: [&str; 12] = [
    "",
    "thousand",
    "million",
    "billion",
    "trillion",
    "quadrillion",
    "quintillion",
    "sextillion",
    "septillion",
    "octillion",
    "nonillion",
    "decillion",
];

/// Below one thousand.
fn hundreds(n: usize, and: bool, out: &mut Vec<&'static str>) {
    if n >= 100 {
        out.push(ONES[n / 100]);
        out.push("hundred");
        if !n.is_multiple_of(100) && and {
            out.push("and");
        }
    }
    let rest = n % 100;
    if rest >= 20 {
        out.push(TENS[rest / 10]);
        if !rest.is_multiple_of(10) {
            out.push(ONES[rest % 10]);
        }
    } else if rest > 0 {
        out.push(ONES[rest]);
    }
}

/// "1234" as "one thousand two hundred thirty four" (British: "... and thirty four").
/// Numbers beyond the decillions are read digit by digit.
pub(crate) fn cardinal(digits: &str, dialect: Dialect) -> String {
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return "zero".into();
    }
    if digits.len() > SCALES.len() * 3 {
        return spell_digits(digits);
    }
    let and = dialect == Dialect::British;
    let mut out = Vec::new();
    let head = digits.len() % 3;
    let mut groups: Vec<usize> = Vec::new();
    if head > 0 {
        groups.extend(digits[..head].parse::<usize>());
    }
    for group in digits.as_bytes()[head..].chunks(3) {
        groups.push(group.iter().fold(0, |n, b| n * 10 + usize::from(b - b'0')));
    }
    let count = groups.len();
    for (i, &n) in groups.iter().enumerate() {
        let scale = count - 1 - i;
        if n == 0 {
            continue;
        }
        if scale == 0 && and && n < 100 && count > 1 {
            out.push("and");
        }
        hundreds(n, and, &mut out);
        if scale > 0 {
            out.push(SCALES[scale]);
        }
    }
    out.join(" ")
}

/// "21" as "twenty first".
pub(crate) fn ordinal(digits: &str, dialect: Dialect) -> String {
    let words = cardinal(digits, dialect);
    let (head, last) = words
        .rsplit_once(' ')
        .map_or(("", words.as_str()), |(h, l)| (h, l));
    let last = ordinal_word(last);
    if head.is_empty() {
        last
    } else {
        format!("{head} {last}")
    }
}

fn ordinal_word(word: &str) -> String {
    match word {
        "one" => "first".into(),
        "two" => "second".into(),
        "three" => "third".into(),
        "five" => "fifth".into(),
        "eight" => "eighth".into(),
        "nine" => "ninth".into(),
        "twelve" => "twelfth".into(),
        w => match w.strip_suffix('y') {
            Some(stem) => format!("{stem}ieth"),
            None => format!("{w}th"),
        },
    }
}

/// A four-digit year: "1905" as "nineteen oh five".
pub(crate) fn year(digits: &str, dialect: Dialect) -> String {
    let (Ok(n), 4) = (digits.parse::<usize>(), digits.len()) else {
        return cardinal(digits, dialect);
    };
    let (century, rest) = (n / 100, n % 100);
    if n % 1000 < 10 || century < 10 || (n % 1000 == 0) {
        return cardinal(digits, dialect);
    }
    let century = small(century);
    match rest {
        0 => format!("{century} hundred"),
        1..=9 => format!("{century} oh {}", ONES[rest]),
        _ => format!("{century} {}", small(rest)),
    }
}

/// A number below one thousand.
pub(crate) fn small(n: usize) -> String {
    if n == 0 {
        return "zero".into();
    }
    let mut out = Vec::new();
    hundreds(n.min(999), false, &mut out);
    out.join(" ")
}

/// Digit by digit.
pub(crate) fn spell_digits(digits: &str) -> String {
    let names: Vec<&str> = digits
        .chars()
        .filter_map(|c| c.to_digit(10))
        .map(|d| ONES[d as usize])
        .collect();
    names.join(" ")
}

/// The plural of a number word or any regular noun ("nineties", "sixes").
pub(crate) fn plural(words: &str) -> String {
    match words {
        w if w.ends_with('y') && !w.ends_with("ey") => format!("{}ies", &w[..w.len() - 1]),
        w if w.ends_with('x') || w.ends_with("ch") || w.ends_with('s') => format!("{w}es"),
        w => format!("{w}s"),
    }
}

/// The denominator of a fraction: "half", "thirds", "sixteenths"; `None` when
/// the fraction is better read "over".
pub(crate) fn denominator(digits: &str, many: bool) -> Option<String> {
    let n: usize = digits.parse().ok()?;
    let one = match n {
        2 => return Some(if many { "halves".into() } else { "half".into() }),
        4 => "quarter".to_owned(),
        3 | 5..=20 | 24 | 30 | 32 | 40 | 50 | 60 | 64 | 100 | 1000 => {
            ordinal(digits, Dialect::American)
        }
        _ => return None,
    };
    // "one hundredth", not "one one hundredth".
    let one = one.strip_prefix("one ").map_or(one.clone(), str::to_owned);
    Some(if many { format!("{one}s") } else { one })
}

/// The value of a Roman numeral written the regular way.
pub(crate) fn roman(letters: &str) -> Option<usize> {
    let value = |c: char| {
        Some(match c {
            'I' => 1,
            'V' => 5,
            'X' => 10,
            'L' => 50,
            'C' => 100,
            'D' => 500,
            'M' => 1000,
            _ => return None,
        })
    };
    if letters.is_empty() || letters.len() > 15 {
        return None;
    }
    let values: Vec<usize> = letters.chars().map(value).collect::<Option<_>>()?;
    let total = values
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            if values.get(i + 1).is_some_and(|&n| n > v) {
                -(v as i64)
            } else {
                v as i64
            }
        })
        .sum::<i64>();
    // Only the canonical spelling counts: "IIX" or "VX" is not a numeral.
    let n = usize::try_from(total).ok()?;
    (to_roman(n) == letters).then_some(n)
}

fn to_roman(mut n: usize) -> String {
    const STEPS: [(usize, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    let mut out = String::new();
    for (value, letters) in STEPS {
        while n >= value {
            out.push_str(letters);
            n -= value;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cardinals_ordinals_years() {
        let us = Dialect::American;
        assert_eq!(cardinal("0", us), "zero");
        assert_eq!(
            cardinal("1234567", us),
            "one million two hundred thirty four thousand five hundred sixty seven"
        );
        assert_eq!(cardinal("1005", Dialect::British), "one thousand and five");
        assert_eq!(
            cardinal("123", Dialect::British),
            "one hundred and twenty three"
        );
        assert_eq!(cardinal(&"9".repeat(40), us).split(' ').count(), 40);
        assert_eq!(ordinal("1", us), "first");
        assert_eq!(ordinal("20", us), "twentieth");
        assert_eq!(ordinal("112", us), "one hundred twelfth");
        assert_eq!(year("1905", us), "nineteen oh five");
        assert_eq!(year("2000", us), "two thousand");
        assert_eq!(year("2007", us), "two thousand seven");
        assert_eq!(year("2024", us), "twenty twenty four");
        assert_eq!(year("1800", us), "eighteen hundred");
    }

    #[test]
    fn roman_numerals_must_be_canonical() {
        assert_eq!(roman("VIII"), Some(8));
        assert_eq!(roman("MCMXCIV"), Some(1994));
        assert_eq!(roman("IIX"), None);
        assert_eq!(roman("IC"), None);
        assert_eq!(roman("HELLO"), None);
    }
}
