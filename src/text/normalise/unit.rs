//! Units of measure after a number.

use super::{Kind, Reader};

/// Unit symbol, singular, plural. Longer readings of "per" units are composed.
const UNITS: &[(&str, &str, &str)] = &[
    ("km", "kilometer", "kilometers"),
    ("m", "meter", "meters"),
    ("cm", "centimeter", "centimeters"),
    ("mm", "millimeter", "millimeters"),
    ("µm", "micrometer", "micrometers"),
    ("μm", "micrometer", "micrometers"),
    ("nm", "nanometer", "nanometers"),
    ("mi", "mile", "miles"),
    ("yd", "yard", "yards"),
    ("yds", "yard", "yards"),
    ("ft", "foot", "feet"),
    ("in", "inch", "inches"),
    ("kg", "kilogram", "kilograms"),
    ("g", "gram", "grams"),
    ("mg", "milligram", "milligrams"),
    ("µg", "microgram", "micrograms"),
    ("μg", "microgram", "micrograms"),
    ("mcg", "microgram", "micrograms"),
    ("t", "ton", "tons"),
    ("lb", "pound", "pounds"),
    ("lbs", "pound", "pounds"),
    ("oz", "ounce", "ounces"),
    ("l", "liter", "liters"),
    ("L", "liter", "liters"),
    ("ml", "milliliter", "milliliters"),
    ("mL", "milliliter", "milliliters"),
    ("cl", "centiliter", "centiliters"),
    ("dl", "deciliter", "deciliters"),
    ("gal", "gallon", "gallons"),
    ("qt", "quart", "quarts"),
    ("pt", "pint", "pints"),
    ("tsp", "teaspoon", "teaspoons"),
    ("tbsp", "tablespoon", "tablespoons"),
    ("ha", "hectare", "hectares"),
    ("s", "second", "seconds"),
    ("sec", "second", "seconds"),
    ("secs", "second", "seconds"),
    ("min", "minute", "minutes"),
    ("mins", "minute", "minutes"),
    ("h", "hour", "hours"),
    ("hr", "hour", "hours"),
    ("hrs", "hour", "hours"),
    ("ms", "millisecond", "milliseconds"),
    ("µs", "microsecond", "microseconds"),
    ("μs", "microsecond", "microseconds"),
    ("ns", "nanosecond", "nanoseconds"),
    ("yr", "year", "years"),
    ("yrs", "year", "years"),
    ("wk", "week", "weeks"),
    ("Hz", "hertz", "hertz"),
    ("kHz", "kilohertz", "kilohertz"),
    ("MHz", "megahertz", "megahertz"),
    ("GHz", "gigahertz", "gigahertz"),
    ("W", "watt", "watts"),
    ("kW", "kilowatt", "kilowatts"),
    ("MW", "megawatt", "megawatts"),
    ("GW", "gigawatt", "gigawatts"),
    ("kWh", "kilowatt hour", "kilowatt hours"),
    ("Wh", "watt hour", "watt hours"),
    ("MWh", "megawatt hour", "megawatt hours"),
    ("V", "volt", "volts"),
    ("kV", "kilovolt", "kilovolts"),
    ("mV", "millivolt", "millivolts"),
    ("mA", "milliamp", "milliamps"),
    ("mAh", "milliamp hour", "milliamp hours"),
    ("J", "joule", "joules"),
    ("kJ", "kilojoule", "kilojoules"),
    ("cal", "calorie", "calories"),
    ("kcal", "kilocalorie", "kilocalories"),
    ("Pa", "pascal", "pascals"),
    ("hPa", "hectopascal", "hectopascals"),
    ("kPa", "kilopascal", "kilopascals"),
    ("MPa", "megapascal", "megapascals"),
    ("dB", "decibel", "decibels"),
    ("kB", "kilobyte", "kilobytes"),
    ("KB", "kilobyte", "kilobytes"),
    ("MB", "megabyte", "megabytes"),
    ("GB", "gigabyte", "gigabytes"),
    ("TB", "terabyte", "terabytes"),
    ("PB", "petabyte", "petabytes"),
    ("KiB", "kibibyte", "kibibytes"),
    ("MiB", "mebibyte", "mebibytes"),
    ("GiB", "gibibyte", "gibibytes"),
    ("kb", "kilobit", "kilobits"),
    ("Mb", "megabit", "megabits"),
    ("Gb", "gigabit", "gigabits"),
    ("kbps", "kilobit per second", "kilobits per second"),
    ("Mbps", "megabit per second", "megabits per second"),
    ("Gbps", "gigabit per second", "gigabits per second"),
    ("mph", "mile per hour", "miles per hour"),
    ("kph", "kilometer per hour", "kilometers per hour"),
    ("kmh", "kilometer per hour", "kilometers per hour"),
    ("mpg", "mile per gallon", "miles per gallon"),
    ("rpm", "revolution per minute", "revolutions per minute"),
    ("bpm", "beat per minute", "beats per minute"),
    ("fps", "frame per second", "frames per second"),
    ("psi", "P S I", "P S I"),
    ("ppm", "part per million", "parts per million"),
    ("sq", "square", "square"),
    ("px", "pixel", "pixels"),
    ("dpi", "D P I", "D P I"),
    ("hp", "horsepower", "horsepower"),
    ("ohm", "ohm", "ohms"),
    ("Nm", "newton meter", "newton meters"),
    ("pp", "percentage point", "percentage points"),
    ("bps", "bit per second", "bits per second"),
    ("Ω", "ohm", "ohms"),
    ("kΩ", "kilohm", "kilohms"),
];

/// Symbols that are also words, and so units only when written together with the number.
const ONLY_ATTACHED: [&str; 5] = ["in", "t", "s", "pt", "cal"];

impl Reader<'_> {
    /// The unit at `at` (after an optional space) in words, and where it ends.
    pub(super) fn unit(&self, at: usize, one: bool) -> Option<(String, usize)> {
        let symbol_at = self.skip_space(at);
        let attached = symbol_at == at;
        match self.kind(symbol_at)? {
            Kind::Symbol('%') => return Some(("percent".into(), symbol_at + 1)),
            Kind::Symbol('‰') => return Some(("per mille".into(), symbol_at + 1)),
            Kind::Symbol('°') => {
                let scale_at = self.skip_space(symbol_at + 1);
                let scale = match self.letters(scale_at) {
                    Some("C") => " Celsius",
                    Some("F") => " Fahrenheit",
                    Some("K") => " Kelvin",
                    _ => "",
                };
                let end = if scale.is_empty() {
                    symbol_at + 1
                } else {
                    scale_at + 1
                };
                return Some((
                    format!("{}{scale}", if one { "degree" } else { "degrees" }),
                    end,
                ));
            }
            _ => {}
        }
        let mut symbol = String::new();
        let mut end = symbol_at;
        // "µ" and "Ω" are symbols of their own to the atoms.
        while matches!(
            self.kind(end),
            Some(Kind::Letters | Kind::Symbol('µ' | 'μ' | 'Ω'))
        ) && end < symbol_at + 2
        {
            symbol.push_str(self.text(end));
            end += 1;
        }
        let (_, single, many) = *UNITS.iter().find(|(s, ..)| *s == symbol)?;
        if self.digits(end).is_some() {
            return None;
        }
        // "5 in the box", "a 10 s": words first, unless a full stop or the end marks the unit.
        if !attached && ONLY_ATTACHED.contains(&symbol.as_str()) {
            let closed = symbol == "in" && self.is(end, '.') && !self.is_space(end + 1);
            if !closed {
                return None;
            }
        }
        let mut words = if one { single } else { many }.to_owned();
        if symbol == "sq" {
            let next = self.skip_space(if self.is(end, '.') { end + 1 } else { end });
            let (unit, after) = self.unit(next, one)?;
            return Some((format!("square {unit}"), after));
        }
        if self.is(end, '²') || self.is(end, '³') {
            words = format!(
                "{} {words}",
                if self.is(end, '²') {
                    "square"
                } else {
                    "cubic"
                }
            );
            end += 1;
        }
        if self.is(end, '/')
            && let Some(per) = self.letters(end + 1)
            && let Some((_, single, _)) = UNITS.iter().find(|(s, ..)| *s == per)
        {
            words = format!("{words} per {single}");
            end += 2;
            if self.is(end, '²') || self.is(end, '³') {
                words.push_str(if self.is(end, '²') {
                    " squared"
                } else {
                    " cubed"
                });
                end += 1;
            }
        }
        // The full stop of "5 ft. tall" belongs to the unit.
        let clipped = [
            "ft", "in", "lb", "lbs", "oz", "hr", "hrs", "min", "mins", "sec", "secs", "yd", "yds",
            "gal", "mi", "tbsp", "tsp",
        ];
        if self.is(end, '.') && clipped.contains(&symbol.as_str()) {
            let follows = self.letters(self.skip_space(end + 1));
            if follows.is_some_and(|w| w.starts_with(char::is_lowercase)) || self.is(end + 1, ',') {
                end += 1;
            }
        }
        Some((words, end))
    }
}
