//! Odd texts in every argument: answered, or refused with a typed failure; nothing that was there before is gone afterwards.

use crate::bench::{Bench, KEY};
use crate::case::{Case, Tried, case, failed, unbroken};
use crate::evidence::Evidence;

pub(super) const CASES: &[Case] = &[
    case!("quotes-and-sql", "Quotes and statements in a text are text.", quotes),
    case!("wildcards", "Percent signs, underscores and braces in a text are text.", wildcards),
    case!("line-breaks-and-nul", "Line breaks, NUL and other control characters do no harm.", controls),
    case!("markup", "Markup in a text does no harm.", markup),
    case!(
        "all-the-worlds-letters",
        "Text from right to left, emoji and combining marks do no harm.",
        letters
    ),
    case!("a-mebibyte-of-text", "A text of a mebibyte is answered or refused.", long),
    case!("empty-texts", "Empty texts are answered or refused.", empty),
    case!("blanks", "Texts of blanks are answered or refused.", blanks),
];

const LONG_BYTES: usize = 1 << 20;

async fn quotes(bench: &Bench) -> Tried {
    play(bench, "x'; DROP TABLE receipt; DELETE FROM bill; --\"); `").await
}

async fn wildcards(bench: &Bench) -> Tried {
    play(bench, "100%_[a-z]*?{{x}} ${y} %s :key ?1 \\").await
}

async fn controls(bench: &Bench) -> Tried {
    play(bench, "a\r\nBcc: eve@example.com\r\n\r\nb\0c\u{7}\u{1b}[31md\u{85}e\u{2028}f").await
}

async fn markup(bench: &Bench) -> Tried {
    play(bench, "<script>alert(1)</script><!-- & &amp; ]]> {\"a\": [").await
}

async fn letters(bench: &Bench) -> Tried {
    play(bench, "\u{202e}שלום مرحبا 👩‍👩‍👧‍👦 Z͑ͫ̓a İıŞ ﷽ 東京 \u{feff}").await
}

async fn long(bench: &Bench) -> Tried {
    play(bench, &"x".repeat(LONG_BYTES)).await
}

async fn empty(bench: &Bench) -> Tried {
    play(bench, "").await
}

async fn blanks(bench: &Bench) -> Tried {
    play(bench, " \t ").await
}

async fn play(bench: &Bench, text: &str) -> Tried {
    let mut world = bench.fresh().await?;
    for act in bench.hostile(text).await? {
        let before = Evidence::of(&world, KEY).await?;
        let said = act.play(&world, world.job(KEY)).await?;
        unbroken(&said, &format!("in {} with the text {:?}", act.name, crate::case::cut(text)))?;
        let now = Evidence::of(&world, KEY).await?;
        let gone = before.beyond(&now);
        if let Some(first) = gone.first() {
            return Err(failed(format!(
                "after {} with the text {:?}, something that was there is gone: {}. Bind texts as parameters, never write \
                 them into a statement",
                act.name,
                crate::case::cut(text),
                crate::case::cut(first)
            )));
        }
        if now != before {
            world = bench.fresh().await?;
        }
    }
    Ok(())
}
