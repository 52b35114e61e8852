//! Sums of money.

use super::quantity::Amount;
use super::{Kind, Read, Reader};

/// A currency: how one and many of it are called, and its hundredth.
struct Currency {
    one: &'static str,
    many: &'static str,
    cent: &'static str,
    cents: &'static str,
}

const fn currency(
    one: &'static str,
    many: &'static str,
    cent: &'static str,
    cents: &'static str,
) -> Currency {
    Currency {
        one,
        many,
        cent,
        cents,
    }
}

static DOLLAR: Currency = currency("dollar", "dollars", "cent", "cents");
static POUND: Currency = currency("pound", "pounds", "penny", "pence");
static EURO: Currency = currency("euro", "euros", "cent", "cents");
static YEN: Currency = currency("yen", "yen", "sen", "sen");
static RUPEE: Currency = currency("rupee", "rupees", "paisa", "paise");
static WON: Currency = currency("won", "won", "jeon", "jeon");
static RUBLE: Currency = currency("ruble", "rubles", "kopeck", "kopecks");
static FRANC: Currency = currency("Swiss franc", "Swiss francs", "centime", "centimes");
static YUAN: Currency = currency("yuan", "yuan", "fen", "fen");
static CANADIAN: Currency = currency("Canadian dollar", "Canadian dollars", "cent", "cents");
static AUSTRALIAN: Currency = currency("Australian dollar", "Australian dollars", "cent", "cents");
static AMERICAN: Currency = currency("U.S. dollar", "U.S. dollars", "cent", "cents");
static SHEKEL: Currency = currency("shekel", "shekels", "agora", "agorot");
static BITCOIN: Currency = currency("bitcoin", "bitcoins", "cent", "cents");

fn symbol(c: char) -> Option<&'static Currency> {
    Some(match c {
        '$' => &DOLLAR,
        '£' => &POUND,
        '€' => &EURO,
        '¥' => &YEN,
        '₹' => &RUPEE,
        '₩' => &WON,
        '₽' => &RUBLE,
        '₪' => &SHEKEL,
        '₿' => &BITCOIN,
        _ => return None,
    })
}

fn code(letters: &str) -> Option<&'static Currency> {
    Some(match letters {
        "USD" => &AMERICAN,
        "EUR" => &EURO,
        "GBP" => &POUND,
        "JPY" => &YEN,
        "INR" => &RUPEE,
        "CHF" => &FRANC,
        "CNY" | "RMB" => &YUAN,
        "CAD" => &CANADIAN,
        "AUD" => &AUSTRALIAN,
        "KRW" => &WON,
        "RUB" => &RUBLE,
        "BTC" => &BITCOIN,
        _ => return None,
    })
}

impl Reader<'_> {
    pub(super) fn money(&mut self, i: usize) -> Read {
        match self.kind(i)? {
            Kind::Digits => self.money_after(i),
            _ => self.money_before(i),
        }
    }

    /// The currency at `i`, in symbols ("$", "US$") or as a code ("USD").
    fn currency(&self, i: usize) -> Option<(&'static Currency, usize)> {
        match self.kind(i)? {
            Kind::Symbol(c) => Some((symbol(c)?, i + 1)),
            Kind::Letters if self.is(i + 1, '$') => {
                let c = match self.text(i) {
                    "US" => &AMERICAN,
                    "C" | "CA" | "CAN" => &CANADIAN,
                    "A" | "AU" => &AUSTRALIAN,
                    "NZ" | "HK" | "S" | "R" => &DOLLAR,
                    _ => return None,
                };
                Some((c, i + 2))
            }
            Kind::Letters => Some((code(self.text(i))?, i + 1)),
            _ => None,
        }
    }

    /// "$3.50", "-£5", "USD 20", "$3.5 million", "$5-10".
    fn money_before(&mut self, i: usize) -> Read {
        let negative = (self.is(i, '-') || self.is(i, '−')) && self.starts_chunk(i);
        let (currency, at) = self.currency(if negative { i + 1 } else { i })?;
        let at = self.skip_space(at);
        let sign = if negative { "minus " } else { "" };
        if self.is(at, '.') {
            let cents = self.digits(at + 1).filter(|d| d.len() == 2)?.to_owned();
            let a = Amount {
                int: "0".into(),
                fraction: Some(cents),
                grouped: false,
                end: at + 2,
            };
            let words = self.sum(currency, &a);
            self.say(&words, i..a.end);
            return Some(a.end);
        }
        let a = self.amount(at)?;
        let (scale, end) = self.magnitude(a.end);
        // "$5-10" and "$5-$10 million": the first number goes without its unit.
        if (self.is(end, '-') || self.is(end, '–'))
            && let Some(b) = self.amount(self.currency(end + 1).map_or(end + 1, |(_, at)| at))
            && !(self.is(b.end, '-') && self.digits(b.end + 1).is_some())
        {
            let (top_scale, end) = self.magnitude(b.end);
            let low = format!("{}{}", self.amount_words(&a), prefixed(scale));
            let words = format!("{low} to {}", self.scaled(currency, &b, top_scale));
            self.say(&words, i..end);
            return Some(end);
        }
        let words = format!("{sign}{}", self.scaled(currency, &a, scale));
        self.say(&words, i..end);
        Some(if self.is(end, '-') && self.letters(end + 1).is_some() {
            end + 1
        } else {
            end
        })
    }

    /// "5€", "5,50 €", "20 USD", "50¢".
    fn money_after(&mut self, i: usize) -> Read {
        let mut a = self.amount(i)?;
        // A comma before two digits and a currency is a decimal comma.
        if a.fraction.is_none()
            && self.is(a.end, ',')
            && let Some(cents) = self.digits(a.end + 1).filter(|d| d.len() == 2)
        {
            let b = Amount {
                fraction: Some(cents.to_owned()),
                end: a.end + 2,
                ..a.clone()
            };
            if self.currency(self.skip_space(b.end)).is_some() {
                a = b;
            }
        }
        if self.is(a.end, '¢') {
            let words = format!(
                "{} {}",
                self.amount_words(&a),
                if a.is_one() { "cent" } else { "cents" }
            );
            self.say(&words, i..a.end + 1);
            return Some(a.end + 1);
        }
        let (scale, after) = self.magnitude(a.end);
        let at = self.skip_space(after);
        let (currency, end) = self.currency(at)?;
        // "5 $10 bills": the symbol belongs to the number after it.
        if self.digits(end).is_some()
            || at > after && matches!(self.kind(at), Some(Kind::Symbol('$' | '£')))
        {
            return None;
        }
        let words = self.scaled(currency, &a, scale);
        self.say(&words, i..end);
        Some(end)
    }

    /// "million", "k", "bn" after a number.
    fn magnitude(&self, at: usize) -> (&'static str, usize) {
        let spaced = self.skip_space(at);
        let Some(letters) = self.letters(spaced) else {
            return ("", at);
        };
        let attached = spaced == at;
        let word = match letters {
            "hundred" => "hundred",
            "thousand" => "thousand",
            "million" | "Million" => "million",
            "billion" | "Billion" => "billion",
            "trillion" | "Trillion" => "trillion",
            "k" | "K" if attached => "thousand",
            "m" | "M" | "mn" | "mil" if attached => "million",
            "b" | "B" | "bn" if attached => "billion",
            "bn" => "billion",
            "t" | "T" | "tn" if attached => "trillion",
            _ => return ("", at),
        };
        (word, spaced + 1)
    }

    fn scaled(&self, currency: &Currency, a: &Amount, scale: &str) -> String {
        match scale {
            "" => self.sum(currency, a),
            scale => format!("{} {scale} {}", self.amount_words(a), currency.many),
        }
    }

    fn sum(&self, currency: &Currency, a: &Amount) -> String {
        let units = |digits: &str, one: &str, many: &str| {
            let name = if digits.trim_start_matches('0') == "1" {
                one
            } else {
                many
            };
            format!("{} {name}", self.cardinal(digits))
        };
        match a.fraction.as_deref() {
            None => units(&a.int, currency.one, currency.many),
            Some("00") => units(&a.int, currency.one, currency.many),
            Some(cents) if cents.len() == 2 => {
                let cents = units(cents, currency.cent, currency.cents);
                if a.int.chars().all(|c| c == '0') {
                    return cents;
                }
                format!("{} and {cents}", units(&a.int, currency.one, currency.many))
            }
            Some(_) => format!("{} {}", self.amount_words(a), currency.many),
        }
    }
}

fn prefixed(scale: &str) -> String {
    if scale.is_empty() {
        String::new()
    } else {
        format!(" {scale}")
    }
}
