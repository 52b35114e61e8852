//! What is written, as it is spoken: a table for every class.

use syrinx::text::{Dialect, FrontEnd};

#[track_caller]
fn check(dialect: Dialect, table: &[(&str, &str)]) {
    let front_end = FrontEnd::new(dialect);
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(written, spoken)| {
            let got = front_end.normalise(written).unwrap();
            (got != *spoken)
                .then(|| format!("{written:?}\n  expected {spoken:?}\n  got      {got:?}"))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} differ\n{}",
        wrong.len(),
        table.len(),
        wrong.join("\n")
    );
}

#[track_caller]
fn american(table: &[(&str, &str)]) {
    check(Dialect::American, table);
}

#[test]
fn cardinals_and_decimals() {
    american(&[
        ("7", "seven"),
        ("0", "zero"),
        ("42 cats", "forty two cats"),
        (
            "1,234,567",
            "one million two hundred thirty four thousand five hundred sixty seven",
        ),
        (
            "1.234.567",
            "one million two hundred thirty four thousand five hundred sixty seven",
        ),
        (
            "1 234 567",
            "one million two hundred thirty four thousand five hundred sixty seven",
        ),
        ("1000000", "one million"),
        ("3.14", "three point one four"),
        ("0.5", "zero point five"),
        (".5", "point five"),
        ("-5", "minus five"),
        ("−5", "minus five"),
        ("+3", "plus three"),
        (
            "It was -3.5 outside.",
            "It was minus three point five outside.",
        ),
        ("~10", "about ten"),
        ("±2", "plus or minus two"),
        ("10,000", "ten thousand"),
        ("007", "zero zero seven"),
        (
            "9876543210123",
            "nine eight seven six five four three two one zero one two three",
        ),
        ("2000 people", "two thousand people"),
        ("4500 people", "four thousand five hundred people"),
        ("100,000,000,000", "one hundred billion"),
    ]);
}

#[test]
fn ordinals_and_decades() {
    american(&[
        ("1st", "first"),
        ("2nd place", "second place"),
        ("the 21st century", "the twenty first century"),
        ("112th", "one hundred twelfth"),
        ("the 1990s", "the nineteen nineties"),
        ("the '90s", "the nineties"),
        ("the 80s", "the eighties"),
        ("in her 20s", "in her twenties"),
        ("class of '99", "class of ninety nine"),
    ]);
}

#[test]
fn years() {
    american(&[
        ("in 1995", "in nineteen ninety five"),
        ("in 1905", "in nineteen oh five"),
        ("in 1900", "in nineteen hundred"),
        ("in 2000", "in two thousand"),
        ("in 2007", "in two thousand seven"),
        ("in 2024", "in twenty twenty four"),
        (
            "1066 and 1815",
            "one thousand sixty six and eighteen fifteen",
        ),
        ("1990–1995", "nineteen ninety to nineteen ninety five"),
        ("1990-95", "nineteen ninety to ninety five"),
        ("mid-1990s", "mid nineteen nineties"),
    ]);
}

#[test]
fn dates() {
    american(&[
        ("May 5", "May fifth"),
        ("May 5th, 1999", "May fifth, nineteen ninety nine"),
        ("Jan. 3, 2020", "January third, twenty twenty"),
        ("5 May 1999", "the fifth of May, nineteen ninety nine"),
        ("the 4th of July", "the fourth of July"),
        ("July 1776", "July seventeen seventy six"),
        ("2024-03-05", "March fifth, twenty twenty four"),
        ("3/5/2024", "March fifth, twenty twenty four"),
        ("25/12/2023", "December twenty fifth, twenty twenty three"),
        ("12/25/23", "December twenty fifth, twenty three"),
        ("05.03.2024", "March fifth, twenty twenty four"),
        (
            "2024-03-05T10:30:00Z",
            "March fifth, twenty twenty four ten thirty",
        ),
        ("March 5-7", "March fifth to seventh"),
        ("Sept. 11", "September eleventh"),
        ("May I go?", "May I go?"),
    ]);
    check(
        Dialect::British,
        &[
            ("3/5/2024", "the third of May, twenty twenty four"),
            ("May 5", "May fifth"),
        ],
    );
}

#[test]
fn times() {
    american(&[
        ("3:45", "three forty five"),
        ("3:45 pm", "three forty five p.m."),
        ("3:05 a.m. sharp", "three oh five a.m. sharp"),
        ("10am", "ten a.m."),
        ("at 5 p.m. today", "at five p.m. today"),
        ("12:00", "twelve o'clock"),
        ("15:30", "fifteen thirty"),
        ("15:00", "fifteen hundred"),
        ("0:00", "midnight"),
        ("1:02:03", "one oh two and three seconds"),
        ("I am here", "I am here"),
        ("9–5", "nine to five"),
    ]);
}

#[test]
fn money() {
    american(&[
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$3.50", "three dollars and fifty cents"),
        ("$0.99", "ninety nine cents"),
        ("$1.01", "one dollar and one cent"),
        ("$3.5 million", "three point five million dollars"),
        ("$3.5M", "three point five million dollars"),
        ("$20k", "twenty thousand dollars"),
        (
            "$1,234.56",
            "one thousand two hundred thirty four dollars and fifty six cents",
        ),
        ("-$5", "minus five dollars"),
        ("$5-10", "five to ten dollars"),
        ("$5-$10 million", "five to ten million dollars"),
        ("£20", "twenty pounds"),
        ("£1.01", "one pound and one penny"),
        ("€5.50", "five euros and fifty cents"),
        ("5€", "five euros"),
        ("5,50 €", "five euros and fifty cents"),
        ("¥500", "five hundred yen"),
        ("₹100", "one hundred rupees"),
        ("50¢", "fifty cents"),
        ("US$20", "twenty U.S. dollars"),
        ("20 USD", "twenty U.S. dollars"),
        ("EUR 20", "twenty euros"),
        ("$100-a-day", "one hundred dollars a-day"),
    ]);
}

#[test]
fn percent_and_units() {
    american(&[
        ("50%", "fifty percent"),
        ("3.5 %", "three point five percent"),
        ("5-10%", "five to ten percent"),
        ("80 km/h", "eighty kilometers per hour"),
        ("1 km", "one kilometer"),
        ("5kg", "five kilograms"),
        ("20°C", "twenty degrees Celsius"),
        ("-5 °F", "minus five degrees Fahrenheit"),
        ("90°", "ninety degrees"),
        ("512 MB", "five hundred twelve megabytes"),
        ("10 Mbps", "ten megabits per second"),
        ("3 m²", "three square meters"),
        ("9.8 m/s²", "nine point eight meters per second squared"),
        ("60 mph", "sixty miles per hour"),
        ("44.1 kHz", "forty four point one kilohertz"),
        ("5 ft. tall", "five feet tall"),
        ("6'2\"", "six foot two inches"),
        ("5 in the box", "five in the box"),
        ("12in", "twelve inches"),
        ("100 sq ft", "one hundred square feet"),
        ("20 min", "twenty minutes"),
        ("250 ml", "two hundred fifty milliliters"),
        ("3x faster", "three times faster"),
        ("3x4", "three by four"),
        (
            "1920×1080",
            "one thousand nine hundred twenty by one thousand eighty",
        ),
        ("20-year-old", "twenty year-old"),
    ]);
}

#[test]
fn fractions_ranges_and_ratios() {
    american(&[
        ("1/2", "one half"),
        ("3/4 cup", "three quarters cup"),
        ("2/3", "two thirds"),
        ("2 1/2 cups", "two and a half cups"),
        ("2½ cups", "two and a half cups"),
        ("1 3/4", "one and three quarters"),
        ("24/7", "twenty four seven"),
        ("9/11", "nine eleven"),
        ("120/80", "one hundred twenty over eighty"),
        ("10-20", "ten to twenty"),
        ("10 – 20", "ten to twenty"),
        ("pages 5–7", "pages five to seven"),
        ("won 3-2", "won three to two"),
        ("3:2", "three to two"),
        ("16:9", "sixteen to nine"),
        ("5 - 3 = 2", "five minus three equals two"),
        ("2 + 2 = 4", "two plus two equals four"),
        ("3 * 4", "three times four"),
    ]);
}

#[test]
fn telephone_numbers() {
    american(&[
        ("555-1234", "five five five, one two three four"),
        (
            "555-123-4567",
            "five five five, one two three, four five six seven",
        ),
        (
            "(555) 123-4567",
            "five five five, one two three, four five six seven",
        ),
        (
            "+1 555 123 4567",
            "plus one, five five five, one two three, four five six seven",
        ),
        (
            "1-800-555-0199",
            "one, eight zero zero, five five five, zero one nine nine",
        ),
        (
            "+44 20 7946 0958",
            "plus four four, two zero, seven nine four six, zero nine five eight",
        ),
        (
            "123-45-6789",
            "one two three, four five, six seven eight nine",
        ),
        (
            "4111 1111 1111 1111",
            "four one one one, one one one one, one one one one, one one one one",
        ),
    ]);
}

#[test]
fn versions_addresses_and_identifiers() {
    american(&[
        ("v2.3.1", "version two point three point one"),
        ("v2", "version two"),
        ("Python 3.12.1", "Python three point twelve point one"),
        (
            "192.168.1.1",
            "one nine two dot one six eight dot one dot one",
        ),
        ("MP3", "MP three"),
        ("H2O", "H two O"),
        ("F-16", "F sixteen"),
        ("COVID-19", "COVID nineteen"),
        ("B2B", "B two B"),
        ("AB1234", "AB one two three four"),
        ("3D", "three D"),
        ("4K", "four K"),
        ("#5", "number five"),
        ("No. 5", "number five"),
        ("Fig. 3", "figure three"),
        ("pp. 5-7", "pages five to seven"),
    ]);
}

#[test]
fn electronic_addresses() {
    american(&[
        ("me@example.com", "me at example dot com"),
        (
            "john.smith@mail.co.uk",
            "john dot smith at mail dot co dot uk",
        ),
        (
            "https://www.example.com/a-b?x=1",
            "www dot example dot com slash a dash b question mark x equals one",
        ),
        ("Visit example.org.", "Visit example dot org."),
        ("github.com/user", "github dot com slash user"),
        ("the end.It", "the end. It"),
        ("#RustLang rocks", "hashtag RustLang rocks"),
        ("@jane said", "at jane said"),
    ]);
}

#[test]
fn roman_numerals() {
    american(&[
        ("Henry VIII", "Henry the eighth"),
        ("Elizabeth II was", "Elizabeth the second was"),
        ("Chapter IV", "Chapter four"),
        ("World War II", "World War two"),
        ("World War I ended", "World War one ended"),
        ("Louis XIV", "Louis the fourteenth"),
        ("Rocky III", "Rocky three"),
        ("I think", "I think"),
        ("Mary I think", "Mary I think"),
        ("a CD mix", "a CD mix"),
        ("Type II", "Type two"),
    ]);
}

#[test]
fn abbreviations() {
    american(&[
        ("Dr. Smith", "Doctor Smith"),
        ("Mr. and Mrs. Jones", "Mister and Missus Jones"),
        ("St. Paul", "Saint Paul"),
        ("Main St. is long", "Main Street is long"),
        ("Elm Dr. is short", "Elm Drive is short"),
        ("Prof. Gray", "Professor Gray"),
        ("apples, pears, etc.", "apples, pears, et cetera."),
        ("e.g. this", "for example this"),
        ("i.e. that", "that is that"),
        ("cats vs. dogs", "cats versus dogs"),
        ("the U.S.A.", "the USA."),
        ("the U.S. army", "the US army"),
        ("J. R. Smith", "J R Smith"),
        ("approx. ten", "approximately ten"),
        ("Acme Inc. said", "Acme incorporated said"),
        ("I said no.", "I said no."),
        (
            "Martin Luther King Jr. spoke",
            "Martin Luther King Junior spoke",
        ),
        ("w/ cheese", "with cheese"),
        ("w/o cheese", "without cheese"),
        ("NASA and the FBI", "NASA and the FBI"),
    ]);
}

#[test]
fn symbols_and_markup() {
    american(&[
        ("salt & pepper", "salt and pepper"),
        ("meet @ noon", "meet at noon"),
        ("a = b", "a equals b"),
        ("**bold** and _soft_", "bold and soft"),
        ("# Title", "Title"),
        ("- item", "item"),
        ("* item", "item"),
        ("`code` here", "code here"),
        ("[text](https://x.com/y) here", "text here"),
        ("nice 👍 work", "nice work"),
        ("wait… what", "wait, what"),
        ("wait...", "wait."),
        ("yes — no", "yes, no"),
        ("yes—no", "yes, no"),
        ("yes -- no", "yes, no"),
        ("(an aside) here", "an aside, here"),
        ("“Quoted” text", "Quoted text"),
        ("What?!", "What?"),
        ("ﬁne print", "fine print"),
        ("naïve café", "naïve café"),
        ("the α particle", "the alpha particle"),
        ("and/or", "and or"),
        ("don’t", "don't"),
        ("x < y", "x less than y"),
        ("2^10", "two to the power of ten"),
        ("half-dozen", "half-dozen"),
    ]);
}

#[test]
fn expansion_can_be_switched_off() {
    let plain = FrontEnd::new(Dialect::American).with_normalisation(false);
    assert_eq!(plain.normalise("Dr. No, 5").unwrap(), "Dr. No, five");
}

#[test]
fn plain_words_stay_as_they_are() {
    let front_end = FrontEnd::new(Dialect::American);
    let text = "She sells sea shells, by the sea shore; does she? Yes!";
    let once = front_end.normalise(text).unwrap();
    assert_eq!(once, text);
    assert_eq!(front_end.normalise(&once).unwrap(), once);
}
